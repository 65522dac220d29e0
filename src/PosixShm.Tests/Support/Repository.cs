using System.Reflection;

namespace PosixShm.Tests;

/// <summary>Where this checkout and its build are, for the tests that read their files.</summary>
internal static class Repository
{
    // Not [CallerFilePath]: a CI build maps source paths to "/_/".
    public static string Root { get; } = Metadata("RepositoryRoot");

    /// <summary>Gets the folder of the built shim; its subfolder "failpoints" has the one that can be killed at every step.</summary>
    public static string NativeOutput { get; } = Metadata("NativeOutput");

    /// <summary>Gets the path of the pshm command.</summary>
    public static string Command { get; } = Metadata("Command");

    private static string Metadata(string key) => typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == key)
        .Value!;
}
