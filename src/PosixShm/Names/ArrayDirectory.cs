using PosixShm.Native;

namespace PosixShm.Names;

/// <summary>The directory of arrays: <c>/dev/shm</c>, unless the program or the environment chooses another one.</summary>
internal static class ArrayDirectory
{
    /// <summary>Linux's directory of shared memory: <c>shm_open(3)</c> is <c>open(2)</c> in it. Semaphores are always in it.</summary>
    public const string Default = "/dev/shm";

    private const string Variable = "POSIXSHM_DIR";

    // The property of AppContext by which a program chooses for itself. It has precedence over the environment.
    private const string Property = "PosixShm.Directory";

    private static readonly string? s_ofProgram = AppContext.GetData(Property) as string;

    // Read once, so that all calls of a process agree. If a program runs with more rights than its caller (AT_SECURE), the caller's
    // environment does not count.
    private static readonly string? s_chosen = s_ofProgram
        ?? (OperatingSystem.IsLinux() && Interop.IsSecureExecution() != 0 ? null : Environment.GetEnvironmentVariable(Variable));

    private static string? s_path = s_chosen is null ? Default : null;

    /// <summary>Gets whether another directory than <see cref="Default"/> was chosen.</summary>
    public static bool IsChosen => s_chosen is not null;

    /// <summary>Gets the directory.</summary>
    /// <exception cref="DirectoryNotFoundException">The chosen directory is empty, relative, or missing.</exception>
    public static string Path => s_path ??= Checked(s_chosen!);

    // Checked until the path is valid, and never again.
    private static string Checked(string chosen)
    {
        string? reason = chosen.Length == 0 ? "it is empty"
            : !chosen.StartsWith('/') ? "it is not an absolute path"
            : chosen.Any(char.IsControl) ? "it has control characters"
            : !Directory.Exists(chosen) ? "there is no such directory, or this user may not search it"
            : null;
        return reason is null
            ? System.IO.Path.TrimEndingDirectorySeparator(chosen)
            : throw new DirectoryNotFoundException(
                $"{(s_ofProgram is null ? Variable : Property)} sets '{SegmentName.Printable(chosen)}' as directory of arrays: {reason}."
                + $" Unset it to use {Default}.");
    }
}
