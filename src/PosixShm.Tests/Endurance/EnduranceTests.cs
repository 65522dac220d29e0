namespace PosixShm.Tests;

/// <summary>Short runs of ./build.sh soak and ./build.sh fuzz.</summary>
internal sealed class EnduranceTests
{
    private static IEnumerable<string> Corpus => Fuzzer.Corpus().Select(entry => entry.Name);

    [Test]
    public void Processes_that_are_killed_at_random_leave_whole_arrays_and_nothing_else()
    {
        using ChildProcess soak = ChildProcess.Start(Soak.Run, "20", "1");
        soak.WaitForSuccess();
        TestContext.Out.WriteLine(soak.Output);
        Assert.That(soak.Output, Does.Contain("0 violations"));
    }

    [Test]
    public void Changed_headers_give_an_array_that_fits_the_file_or_a_reason()
    {
        Fuzzer fuzzer = new(1);
        fuzzer.RunFor(TimeSpan.FromSeconds(5));
        TestContext.Out.WriteLine($"{fuzzer.Executions} executions, {fuzzer.Accepted} accepted");
        Assert.That(fuzzer.Executions, Is.GreaterThan(1000));
        Assert.That(fuzzer.Accepted, Is.InRange(1, fuzzer.Executions - 1));
    }

    [TestCaseSource(nameof(Corpus))]
    public void Every_file_of_the_corpus_is_read_safely(string name)
    {
        byte[] file = Fuzzer.Corpus().Single(entry => entry.Name == name).Bytes;
        Assert.That(() => Fuzzer.ReadsSafely(file, file.Length), Throws.Nothing);
    }
}
