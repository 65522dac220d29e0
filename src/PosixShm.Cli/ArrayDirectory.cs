using System.CommandLine;

namespace PosixShm.Cli;

/// <summary>The directory of the arrays: <c>--dir</c>, else <c>POSIXSHM_DIR</c>, else <c>/dev/shm</c>.</summary>
internal static class ArrayDirectory
{
    public const string Default = "/dev/shm";

    // The library's property, which takes precedence over the variable.
    private const string Property = "PosixShm.Directory";

    /// <summary>Gets the directory, which need not exist.</summary>
    public static string Path => System.IO.Path.TrimEndingDirectorySeparator(
        AppContext.GetData(Property) as string ?? Environment.GetEnvironmentVariable("POSIXSHM_DIR") ?? Default);

    /// <summary>Creates the option that all commands have.</summary>
    public static Option<string?> Option() => new("--dir")
    {
        HelpName = "DIR",
        Description = "The directory of the arrays, instead of /dev/shm and of the variable POSIXSHM_DIR. Semaphores stay in /dev/shm.",
        Recursive = true,
    };

    /// <summary>Sets the library's directory to that of the command line, before the library is first used.</summary>
    public static void Choose(string? directory)
    {
        if (directory is null)
        {
            return;
        }

        if (!directory.StartsWith('/'))
        {
            throw Failures.WrongUse($"--dir takes the absolute path of a directory, not '{directory}'.");
        }

        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException($"The directory '{directory}' of --dir does not exist, or this user may not access it.");
        }

        AppContext.SetData(Property, directory);
    }
}
