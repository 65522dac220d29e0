namespace PosixShm.Tests.Gates;

/// <summary>The files of this checkout that are not built or installed.</summary>
internal static class SourceFiles
{
    private static readonly string[] s_skipped = ["artifacts", "bin", "obj", "node_modules"];

    /// <summary>Returns the absolute paths of all files.</summary>
    public static IEnumerable<string> All() => Below(Repository.Root);

    // Directories of other programs begin with a dot.
    private static IEnumerable<string> Below(string directory) => Directory.EnumerateDirectories(directory)
        .Where(static inner => Path.GetFileName(inner) is string name && !name.StartsWith('.') && !s_skipped.Contains(name))
        .SelectMany(Below)
        .Concat(Directory.EnumerateFiles(directory));
}
