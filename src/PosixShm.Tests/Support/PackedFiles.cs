using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>What <c>./build.sh pack</c> made: the packages, and the shims of all platforms.</summary>
internal static class PackedFiles
{
    /// <summary>Gets the directory of the packages.</summary>
    public static string Packages { get; } = Path.Combine(Repository.Root, "artifacts", "pack", "packages");

    /// <summary>Gets the platforms of the library's package.</summary>
    public static IReadOnlyList<string> Platforms { get; } = ["linux-x64", "linux-arm64", "linux-musl-x64", "linux-musl-arm64"];

    /// <summary>Gets the platform of this machine.</summary>
    public static string HostPlatform { get; } = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";

    /// <summary>Gets the path of the library's package.</summary>
    public static string Library => Find(".nupkg");

    /// <summary>Gets the path of its symbols.</summary>
    public static string Symbols => Find(".snupkg");

    /// <summary>Gets the version of the packages.</summary>
    public static string Version => Path.GetFileNameWithoutExtension(Library)["PosixShm.".Length..];

    /// <summary>Returns the path of a shim: <c>libposixshm.so</c> or <c>libposixshm.a</c>.</summary>
    public static string Shim(string platform, string file = "libposixshm.so")
        => Existing(Path.Combine(Repository.Root, "artifacts", "pack", "native", platform, file), "shims");

    /// <summary>Returns a path, or fails with the step that makes the file.</summary>
    public static string Existing(string path, string step)
    {
        Assert.That(path, Does.Exist, $"./build.sh {step} makes it");
        return path;
    }

    // The version begins with a digit. Other packages have longer names.
    private static string Find(string extension)
    {
        string[] found =
        [
            .. Directory.GetFiles(Existing(Packages, "pack"), $"PosixShm.*{extension}")
                .Where(static path => char.IsAsciiDigit(Path.GetFileName(path)["PosixShm.".Length])),
        ];
        Assert.That(found, Has.Length.EqualTo(1), $"./build.sh pack makes one PosixShm.*{extension}");
        return found[0];
    }
}
