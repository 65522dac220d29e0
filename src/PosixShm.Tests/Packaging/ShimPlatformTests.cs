using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>The C tests of native/tests load each packed shim, with the C library and on the processor that it is for.</summary>
/// <remarks>glibc of this machine's processor is the machine's own. The other C libraries are Debian's.
/// The other processor is qemu's.</remarks>
[Category("More")]
internal sealed class ShimPlatformTests : NamedTest
{
    [TestCaseSource(typeof(PackedFiles), nameof(PackedFiles.Platforms))]
    public void Shim_passes_its_C_tests(string platform)
    {
        bool isArm = platform.EndsWith("arm64", StringComparison.Ordinal);
        bool isMusl = platform.Contains("musl", StringComparison.Ordinal);
        string machine = isArm ? "aarch64" : "x86_64";
        string root = PackedFiles.Existing(Path.Combine(Repository.Root, "artifacts", "loaders", machine), "shim-tests");
        string program = Path.Combine(Repository.Root, "artifacts", "shim-tests", platform, "test-shim");
        bool isEmulated = isArm != (RuntimeInformation.OSArchitecture == Architecture.Arm64);

        string output = ChildProcess.Run(
        [
            .. isEmulated ? [$"qemu-{machine}-static", "-L", root] : Array.Empty<string>(),
            .. isMusl ? [Path.Combine(root, "lib", $"ld-musl-{machine}.so.1")] : Array.Empty<string>(),
            PackedFiles.Existing(program, "shim-tests"),
            PackedFiles.Shim(platform),
            Name,
        ]);
        Assert.That(output, Does.Match(@"^ok: \d{3} checks\n$"));
    }
}
