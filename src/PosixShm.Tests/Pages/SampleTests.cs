namespace PosixShm.Tests;

/// <summary>Runs each sample in a separate /dev/shm: it checks itself and leaves nothing.</summary>
[TestFixture]
internal sealed class SampleTests
{
    [Test]
    public void The_clean_up_script_runs_to_its_good_end()
    {
        string script = Path.Combine(Repository.Root, "samples", "clean-up", "clean-up.sh");
        string output = Run($"PYTHON={Python.Interpreter}", $"PSHM={Repository.Command}", script);
        Assert.That(output, Does.Contain("   ok: the one in use: result").And.Not.Contain("FAILED").And.EndsWith("LEFT: \n"));
    }

    [TestCase("child-works-on-it")]
    [TestCase("two-views")]
    [TestCase("read-only")]
    [TestCase("private-copies")]
    [TestCase("anonymous")]
    [TestCase("growing")]
    [TestCase("pool")]
    [TestCase("frames")]
    [TestCase("raw-object")]
    [TestCase("partners")]
    [Category("More")]
    public void A_sample_runs_to_its_good_end(string name)
    {
        string output = RunScript(Path.Combine(Repository.Root, "samples", name, name + ".cs"));
        Assert.That(output, Does.Contain("   ok: ").And.Not.Contain("FAILED").And.EndsWith("LEFT: \n"));
    }

    /// <summary>Runs a C# script with a /dev/shm of its own; the last line that it returns is what the script left there.</summary>
    public static string RunScript(string path)
        // Neither a compiler nor a build node stays behind, which would hold the pipes open.
        => Run(
            $"PYTHON={Python.Interpreter}", "MSBUILDDISABLENODEREUSE=1", "UseSharedCompilation=false",
            "dotnet", "run", "--configuration", "Release", "--file", path);

    private static string Run(params string[] command)
        => ChildProcess.Run(Namespaces.WithFileSystem(
            "/dev/shm", "size=50%", ["bash", "-ec", "env \"$@\"; echo \"LEFT: $(ls -A /dev/shm)\"", "bash", .. command]));
}
