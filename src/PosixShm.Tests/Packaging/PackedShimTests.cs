using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>The facts of each packed shim that decide on which systems it loads.</summary>
[Category("More")]
internal sealed partial class PackedShimTests
{
    private const int MostBytes = 30_000;

    // Before glibc 2.34 these are not in libc.so.6: sem_open and the threads' keys, dlsym, shm_open.
    private static readonly string[] s_glibc = ["libc.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"];

    private static readonly string[] s_musl = ["libc.so"];

    [TestCase("linux-x64", "Advanced Micro Devices X86-64")]
    [TestCase("linux-musl-x64", "Advanced Micro Devices X86-64")]
    [TestCase("linux-arm64", "AArch64")]
    [TestCase("linux-musl-arm64", "AArch64")]
    public void Shim_is_for_its_processor_and_its_C_library(string platform, string machine)
    {
        ElfFile shim = new(PackedFiles.Shim(platform));
        Assert.That(shim.Machine, Is.EqualTo(machine));
        Assert.That(shim.Needed, Is.EquivalentTo(IsMusl(platform) ? s_musl : s_glibc));
    }

    [TestCase("linux-x64", "2.2.5")]
    [TestCase("linux-arm64", "2.17")]
    public void Shim_for_glibc_uses_the_first_versions_of_functions_and_none_newer_than_2_28(string platform, string first)
    {
        ElfFile shim = new(PackedFiles.Shim(platform));
        Assert.That(shim.GlibcVersions, Is.Not.Empty.And.All.LessThanOrEqualTo(new Version(2, 28)));
        string[] moved = ["shm_open", "shm_unlink", "sem_open", "sem_post", "pthread_key_create", "dlsym"];
        Assert.That(shim.Imports, Is.SupersetOf(moved.Select(name => $"{name}@GLIBC_{first}")));
    }

    [TestCase("linux-musl-x64")]
    [TestCase("linux-musl-arm64")]
    public void Shim_for_musl_uses_no_function_that_older_versions_lack(string platform)
    {
        ElfFile shim = new(PackedFiles.Shim(platform));
        Assert.That(shim.GlibcVersions, Is.Empty);
        Assert.That(shim.Imports, Does.Contain("syscall").And.No.Member("statx").And.No.Member("renameat2").And.No.Member("gettid"));
    }

    [TestCaseSource(typeof(PackedFiles), nameof(PackedFiles.Platforms))]
    public void Shim_exports_what_the_header_declares_also_as_a_static_library(string platform)
    {
        string[] declared = [.. Declaration().Matches(File.ReadAllText(Path.Combine(Repository.Root, "native", "posixshm.h")))
            .Select(static match => match.Groups[1].Value)];
        Assert.That(new ElfFile(PackedFiles.Shim(platform)).Exports, Is.EquivalentTo(declared));

        string library = PackedFiles.Shim(platform, "libposixshm.a");
        string[] defined = ChildProcess.Run("nm", "--extern-only", "--defined-only", "--format=just-symbols", library).Split('\n');
        Assert.That(defined.Where(static name => name.StartsWith("PosixShm_", StringComparison.Ordinal)), Is.EquivalentTo(declared));
    }

    [TestCaseSource(typeof(PackedFiles), nameof(PackedFiles.Platforms))]
    public void Shim_is_small_stripped_and_names_no_directory(string platform)
    {
        string path = PackedFiles.Shim(platform);
        Assert.That(new FileInfo(path).Length, Is.LessThanOrEqualTo(MostBytes));
        Assert.That(new ElfFile(path).Sections, Does.Contain(".text").And.No.Member(".symtab").And.None.StartsWith(".debug"));
        Assert.That(ChildProcess.Run("strings", path), Does.Contain("libposixshm.so").And.Not.Contain("/artifacts/"));
    }

    private static bool IsMusl(string platform) => platform.Contains("musl", StringComparison.Ordinal);

    [GeneratedRegex(@"^POSIXSHM_EXPORT [\w ]+?\*? ?(PosixShm_\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
