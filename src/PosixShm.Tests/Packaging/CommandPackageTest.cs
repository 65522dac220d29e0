using System.IO.Compression;

namespace PosixShm.Tests;

/// <summary>A test of the command's packages.</summary>
internal abstract class CommandPackageTest : NamedTest
{
    /// <summary>Gets the platforms whose package has machine code.</summary>
    protected static IEnumerable<string> OfGlibc { get; } = ["linux-x64", "linux-arm64"];

    /// <summary>Gets the platforms whose package has assemblies.</summary>
    protected static IEnumerable<string> OfMusl { get; } = ["linux-musl-x64", "linux-musl-arm64"];

    /// <summary>Returns the path of the .NET tool's package: of a platform, or without one of the package that refers to them.</summary>
    protected static string Tool(string? platform = null) => Packed($"PosixShm.Tool.{(platform is null ? string.Empty : platform + '.')}"
        + $"{PackedFiles.Version}.nupkg");

    /// <summary>Returns the path of the .deb of a platform.</summary>
    protected static string Deb(string platform)
        => Packed($"pshm_{PackedFiles.Version}_{(platform == "linux-x64" ? "amd64" : "arm64")}.deb");

    /// <summary>Returns the path of the archive of a platform.</summary>
    protected static string Archive(string platform) => Packed($"{ArchiveRoot(platform)}.tar.gz");

    /// <summary>Returns the one directory in the archive of a platform.</summary>
    protected static string ArchiveRoot(string platform) => $"pshm-{PackedFiles.Version}-{platform}";

    /// <summary>Unpacks a package into a new directory, and returns that.</summary>
    protected string Unpack(string package)
    {
        string directory = Path.Combine(Folder, Path.GetFileName(package) + ".d");
        _ = Directory.CreateDirectory(directory);
        switch (Path.GetExtension(package))
        {
            case ".nupkg":
                ZipFile.ExtractToDirectory(package, directory);
                break;
            case ".deb":
                _ = ChildProcess.Run("dpkg-deb", "--extract", package, directory);
                break;
            default:
                _ = ChildProcess.Run("tar", "--extract", "--file", package, "--directory", directory);
                break;
        }

        return directory;
    }

    /// <summary>Returns the paths of all files below a directory.</summary>
    protected static IEnumerable<string> FilesIn(string directory)
        => Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(directory, path));

    private static string Packed(string file) => PackedFiles.Existing(Path.Combine(PackedFiles.Packages, file), "pack");
}
