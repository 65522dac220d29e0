namespace PosixShm.Tests;

/// <summary>The run on platforms without an SDK, and its report.</summary>
internal sealed class PlatformReportTests : NamedTest
{
    private const string Class = "PosixShm.Tests.SomeTests";

    [TestCase("PosixShm.Tests.SomeTests.Method", "SomeTests.Method")]
    [TestCase("PosixShm.Tests.Gates.SomeTests.Method(\"a.b(c)\",1)", "SomeTests.Method")]
    [TestCase("PosixShm.Tests.SomeTests(Big.Small).Method(2)", "SomeTests.Method")]
    public void Test_is_cited_by_class_and_method(string test, string citation)
        => Assert.That(new TestRecord(TestOutcome.Passed, test, "").Citation, Is.EqualTo(citation));

    [Test]
    public void Last_complete_record_of_a_test_counts()
    {
        string path = Path.Combine(Folder, "records");
        TestRecord[] written =
        [
            new(TestOutcome.Started, $"{Class}.A", ""), new(TestOutcome.Failed, $"{Class}.A", "on two\nlines"),
            new(TestOutcome.Started, $"{Class}.B", ""),
        ];
        File.WriteAllText(path, $"{string.Join('\n', written.AsEnumerable())}\nPass");
        Assert.That(TestRecord.Read(path), Is.EqualTo([written[1] with { Message = "on two lines" }, written[2]]));
    }

    [TestCase(TestOutcome.Failed)]
    [TestCase(TestOutcome.Started)]
    [TestCase(TestOutcome.Skipped)]
    public void Test_that_did_not_pass_must_be_listed(TestOutcome outcome)
    {
        TestRecord[] records = [new(TestOutcome.Passed, $"{Class}.A", ""), new(outcome, $"{Class}.B(1)", "reason")];
        (string[] lines, bool isAsListed) = PlatformReport.Compare(records, ["SomeTests.B"]);
        Assert.That(isAsListed, Is.True);
        Assert.That(lines[^1], Is.EqualTo("1 passed, 1 failed as listed, 0 failed otherwise"));

        (lines, isAsListed) = PlatformReport.Compare(records, []);
        Assert.That(isAsListed, Is.False);
        Assert.That(lines, Does.Contain("not listed: SomeTests.B did not pass"));
    }

    [Test]
    public void Listed_test_that_passed_or_did_not_run_is_reported()
    {
        (string[] lines, bool isAsListed) = PlatformReport.Compare(
            [new(TestOutcome.Passed, $"{Class}.A", "")], ["SomeTests.A", "SomeTests.B"]);
        Assert.That(isAsListed, Is.False);
        Assert.That(lines[..2], Is.EqualTo(["listed: SomeTests.A did not fail", "listed: SomeTests.B did not fail"]));
    }

    [Test]
    public void Run_without_a_test_is_not_a_good_one() => Assert.That(PlatformReport.Compare([], []).IsAsListed, Is.False);

    [Test]
    public void Section_ends_at_the_next_heading()
        => Assert.That(PlatformReport.Section("# P\n\n## a\n\ntext\n\n## ab\n\nother\n", "a"), Is.EqualTo("\ntext\n"));

    [Test]
    public void Section_that_does_not_exist_is_an_error()
        => Assert.That(static () => PlatformReport.Section("# P\n", "a"), Throws.ArgumentException);

    [Test]
    public void Second_run_leaves_out_the_tests_that_have_a_record()
    {
        string path = Path.Combine(Folder, "records");
        string[] all = RunRecorded(path);
        Assert.That(all, Has.Length.GreaterThan(1));
        TestRecord ended = new(TestOutcome.Started, all[0], "");
        File.WriteAllText(path, $"{ended}\n");
        Assert.That(RunRecorded(path), Is.EquivalentTo(all));
        Assert.That(TestRecord.Read(path).Where(static record => record.Outcome != TestOutcome.Passed), Is.EqualTo([ended]));
    }

    [Test]
    public void Class_that_does_not_exist_is_an_error()
    {
        string path = Path.Combine(Folder, "records");
        File.WriteAllText(path, "");
        using ChildProcess child = ChildProcess.Start(StandaloneRun.Run, path, "MissingTests");
        Assert.That(child.WaitForExit(), Is.EqualTo(1));
        Assert.That(child.Errors, Is.EqualTo("There are no test classes MissingTests."));
    }

    // Returns the names of the tests in the records.
    private static string[] RunRecorded(string path)
    {
        File.AppendAllText(path, "");
        ChildProcess.Run(StandaloneRun.Run, path, nameof(SegmentNameTests));
        return [.. TestRecord.Read(path).Select(static record => record.Test)];
    }
}
