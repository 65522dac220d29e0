namespace PosixShm.Tests;

/// <summary>Runs the samples: each checks itself, and leaves nothing behind.</summary>
[TestFixture]
internal sealed class SampleTests
{
    [Test]
    public void The_clean_up_script_runs_to_its_good_end()
    {
        string output = ChildProcess.Run(
            "env", $"PYTHON={Python.Interpreter}", $"PSHM={Repository.Command}", Path.Combine(Repository.Root, "samples", "clean-up", "clean-up.sh"));
        Assert.That(output, Does.Contain("   ok: the one in use: result").And.Not.Contain("FAILED"));
        Assert.That(Directory.EnumerateFiles("/dev/shm", "clean-up-*"), Is.Empty);
    }

    [TestCase("child-works-on-it")]
    [TestCase("two-views")]
    [TestCase("read-only")]
    [TestCase("private-copies")]
    [TestCase("anonymous")]
    [TestCase("growing")]
    [TestCase("pool")]
    [Category("More")]
    public void A_sample_runs_to_its_good_end(string name)
    {
        string script = Path.Combine(Repository.Root, "samples", name, name + ".cs");

        // Neither a compiler nor a build node stays behind, which would hold the pipes open.
        string output = ChildProcess.Run(
            "env", $"PYTHON={Python.Interpreter}", "MSBUILDDISABLENODEREUSE=1", "UseSharedCompilation=false", "dotnet", "run", "--configuration", "Release", "--file", script);

        Assert.That(output, Does.Contain("   ok: ").And.Not.Contain("FAILED"));
        Assert.That(Directory.EnumerateFiles("/dev/shm", $"{name}-*"), Is.Empty);
    }
}
