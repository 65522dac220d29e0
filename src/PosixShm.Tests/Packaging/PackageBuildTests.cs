namespace PosixShm.Tests;

/// <summary>The step that packs the library, run in a copy of the sources in another directory.</summary>
[Category("More")]
internal sealed class PackageBuildTests : NamedTest
{
    // All that a package depends on.
    private static readonly string[] s_sources =
        ["build", "build.sh", "native", "src", "global.json", "CHANGELOG.md", "LICENSE", "README.md"];

    private static readonly string s_zig = Environment.GetEnvironmentVariable("ZIG")
        ?? Directory.GetDirectories(Path.Combine(Repository.Root, "artifacts", "zig", "node_modules", "@zigc"), "linux-*")
            .Select(static directory => Path.Combine(directory, "bin", "zig")).Single();

    // A space, because no step may take the path apart.
    private string Copy => Path.Combine(Folder, "another directory");

    [SetUp]
    public void CopySources()
    {
        _ = Directory.CreateDirectory(Copy);
        _ = ChildProcess.Run(["cp", "-r", .. s_sources.Select(static name => Path.Combine(Repository.Root, name)), Copy]);
    }

    [Test]
    public void Packages_of_two_directories_are_the_same_bytes_and_an_unchanged_API_is_accepted()
    {
        using ChildProcess build = Pack(baseline: PackedFiles.Library);
        build.WaitForSuccess();

        string packages = Path.Combine(Copy, "artifacts", "pack", "packages");
        foreach (string path in (string[])[PackedFiles.Library, PackedFiles.Symbols])
        {
            Assert.That(
                File.ReadAllBytes(Path.Combine(packages, Path.GetFileName(path))).SequenceEqual(File.ReadAllBytes(path)),
                Is.True,
                $"{path}: the bytes differ");
        }
    }

    [Test]
    public void Package_without_a_public_member_of_an_earlier_one_is_refused()
    {
        string source = Path.Combine(Copy, "src", "PosixShm", "SharedArray.Catalog.cs");
        string text = File.ReadAllText(source);
        string changed = text.Replace("public static bool Exists(", "internal static bool Exists(", StringComparison.Ordinal);
        Assert.That(changed, Is.Not.EqualTo(text));
        File.WriteAllText(source, changed);

        using ChildProcess build = Pack(baseline: PackedFiles.Library);
        Assert.That(build.WaitForExit(), Is.EqualTo(1));
        Assert.That(build.Output, Does.Contain("CP0002").And.Contain("PosixShm.SharedArray.Exists(string)"));
    }

    [TestCase("missing.nupkg", "which is not a file: give the path of an earlier .nupkg")]
    [TestCase("artifacts/pack/packages/PosixShm.0.0.1.nupkg", "which this step writes: copy it elsewhere")]
    public void Unusable_baseline_is_an_error(string baseline, string message)
    {
        string path = Path.Combine(Copy, baseline);
        if (baseline.StartsWith("artifacts", StringComparison.Ordinal))
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, string.Empty);
        }

        using ChildProcess build = Pack(path);
        Assert.That(build.WaitForExit(), Is.EqualTo(1));
        Assert.That(build.Errors, Does.Contain("BASELINE").And.Contain(message));
    }

    // With this repository's compiler, and none of its output. No compiler or build node stays behind that would hold the pipes open.
    private ChildProcess Pack(string baseline)
    {
        ChildProcess build = ChildProcess.Start(
            [("ZIG", s_zig), ("BASELINE", baseline), ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false")],
            [Path.Combine(Copy, "build.sh"), "pack-library"]);
        while (build.ReadLine() is not null)
        {
        }

        return build;
    }
}
