using PosixShm.Tests.Gates;

namespace PosixShm.Tests;

/// <summary>docs/RELIABILITY.md promises only what tests show.</summary>
internal sealed class ReliabilityPageTests
{
    private static string Page => Regions.Page("docs", "RELIABILITY.md");

    [Test]
    public void Every_test_that_a_page_cites_exists()
    {
        IEnumerable<string> pages = Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Repository.Root, "*.md"));
        Assert.That(pages.SelectMany(page => Citations.In(File.ReadAllText(page))).Select(Citations.ProblemOf), Is.All.Null);
        Assert.That(Citations.In(Page), Has.Length.GreaterThan(100));
    }

    [Test]
    public void Every_test_is_cited_with_its_class() => Assert.That(Citations.WithoutClass(Page), Is.Empty);

    [Test]
    public void Every_row_has_a_test_of_the_first_tier_or_a_reason()
    {
        string[] rows = [.. Page.Split('\n').Where(IsRow)];
        Assert.That(rows, Has.Length.GreaterThan(60));
        IEnumerable<string> untested = rows.Where(static row => !Citations.In(row).Any(Citations.IsFirstTier));
        Assert.That(untested.Where(static row => !row.Contains("no test", StringComparison.Ordinal)), Is.Empty);
    }

    [TestCase("`MissingTests.Every_test_is_cited_with_its_class`", "no such class")]
    [TestCase("`AbiTests.Every_test_is_cited_with_its_class`", "the class has no such method")]
    [TestCase("`ReliabilityPageTests.IsRow`", "the method has no test attribute")]
    public void Citation_of_no_test_is_a_problem(string planted, string problem)
        => Assert.That(Citations.In(planted).Select(Citations.ProblemOf), Is.EqualTo([$"{planted.Trim('`')}: {problem}"]));

    [Test]
    public void Tests_of_both_tiers_are_distinguished()
    {
        string first = $"{nameof(FirstBuildTests)}.{nameof(FirstBuildTests.Missing_compiler_is_an_error_that_names_the_package)}";
        string second = $"{nameof(FirstBuildTests)}.{nameof(FirstBuildTests.First_runs_of_two_ordinary_scripts_at_once_both_succeed)}";
        Assert.That(Citations.IsFirstTier(first), Is.True);
        Assert.That(Citations.IsFirstTier(second), Is.False);
    }

    [Test]
    public void Test_that_is_cited_without_its_class_is_noticed()
        => Assert.That(Citations.WithoutClass("`A_test_alone`, `SomeTests.A_test_with_class`"), Is.EqualTo(["A_test_alone"]));

    // The rows below the head of a table and the line under it.
    private static bool IsRow(string line)
        => line.StartsWith("| ", StringComparison.Ordinal) && !line.EndsWith("| shown by |", StringComparison.Ordinal);
}
