using System.Reflection;

namespace PosixShm.Tests;

/// <summary>The paths of this checkout and of its build.</summary>
internal static class Repository
{
    // Not [CallerFilePath]: a CI build maps source paths to "/_/".
    public static string Root { get; } = Metadata("RepositoryRoot");

    /// <summary>
    /// Gets the directory of the built shim. Its subdirectory "failpoints" has the build that can be killed at every step.
    /// </summary>
    public static string NativeOutput { get; } = Metadata("NativeOutput");

    /// <summary>Gets the path of the pshm command.</summary>
    public static string Command { get; } = Metadata("Command");

    private static string Metadata(string key) => typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == key)
        .Value!;
}
