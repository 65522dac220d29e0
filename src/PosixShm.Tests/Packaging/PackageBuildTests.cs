namespace PosixShm.Tests;

/// <summary>The steps that make the packages, run in a copy of the sources in another directory.</summary>
[Category("More")]
internal sealed class PackageBuildTests : NamedTest
{
    // All that a package depends on.
    private static readonly string[] s_sources =
        ["build", "build.sh", "docs", "native", "src", "global.json", "CHANGELOG.md", "LICENSE", "README.md"];

    private static readonly string s_compiler = Path.Combine(Repository.Root, "artifacts", "zig");

    private static readonly string s_compilerCache = Path.Combine(s_compiler, "cache");

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
        using ChildProcess build = Pack(PackedFiles.Library, compilerCache: Path.Combine(Folder, "cache"), step: "pack");
        build.WaitForSuccess();

        DirectoryInfo packages = new(Path.Combine(Copy, "artifacts", "pack", "packages"));
        Dictionary<string, FileInfo> originals = new DirectoryInfo(PackedFiles.Packages).GetFiles().ToDictionary(static file => file.Name);
        Assert.That(packages.GetFiles().Select(static file => file.Name), Is.EquivalentTo(originals.Keys));
        Assert.That(
            packages.GetFiles().Where(file => !AreEqual(file, originals[file.Name])).Select(static file => file.Name),
            Is.Empty,
            "the bytes differ");

        static bool AreEqual(FileInfo file, FileInfo original)
            => File.ReadAllBytes(file.FullName).SequenceEqual(File.ReadAllBytes(original.FullName));
    }

    [Test]
    public void Package_without_a_public_member_of_an_earlier_one_is_refused()
    {
        string source = Path.Combine(Copy, "src", "PosixShm", "SharedArray.Catalog.cs");
        string text = File.ReadAllText(source);
        string changed = text.Replace("public static bool Exists(", "internal static bool Exists(", StringComparison.Ordinal);
        Assert.That(changed, Is.Not.EqualTo(text));
        File.WriteAllText(source, changed);

        using ChildProcess build = Pack(PackedFiles.Library, s_compilerCache);
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

        using ChildProcess build = Pack(path, s_compilerCache);
        Assert.That(build.WaitForExit(), Is.EqualTo(1));
        Assert.That(build.Errors, Does.Contain("BASELINE").And.Contain(message));
    }

    private static string Zig => Environment.GetEnvironmentVariable("ZIG")
        ?? Directory.GetDirectories(PackedFiles.Existing(Path.Combine(s_compiler, "node_modules", "@zigc"), "shims"), "linux-*")
            .Select(static directory => Path.Combine(directory, "bin", "zig")).Single();

    // With this repository's C compiler, and with no output of its build. No compiler or build node stays behind that would hold the pipes
    // open.
    private ChildProcess Pack(string baseline, string compilerCache, string step = "pack-library")
    {
        ChildProcess build = ChildProcess.Start(
            [
                ("ZIG", Zig),
                ("ZIG_GLOBAL_CACHE_DIR", compilerCache),
                ("ZIG_LOCAL_CACHE_DIR", compilerCache),
                ("BASELINE", baseline),
                ("MSBUILDDISABLENODEREUSE", "1"),
                ("UseSharedCompilation", "false"),
            ],
            [Path.Combine(Copy, "build.sh"), step]);
        while (build.ReadLine() is not null)
        {
        }

        return build;
    }
}
