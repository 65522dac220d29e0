using System.CommandLine;

namespace PosixShm.Cli;

/// <summary>The directory of the arrays: <c>--dir</c>, else <c>POSIXSHM_DIR</c>, else <c>/dev/shm</c>.</summary>
internal static class ArrayDirectory
{
    public const string Default = "/dev/shm";

    // The library's property; it wins over the variable.
    private const string Property = "PosixShm.Directory";

    /// <summary>Gets the directory as it was named, which need not exist.</summary>
    public static string Path => System.IO.Path.TrimEndingDirectorySeparator(
        AppContext.GetData(Property) as string ?? Environment.GetEnvironmentVariable("POSIXSHM_DIR") ?? Default);

    /// <summary>Makes the option that all commands have.</summary>
    public static Option<string?> Option() => new("--dir")
    {
        HelpName = "DIR",
        Description = "The directory of the arrays, in place of /dev/shm and of the variable POSIXSHM_DIR. Semaphores stay in /dev/shm.",
        Recursive = true,
    };

    /// <summary>Makes a directory that the command line names the library's, before the library is first used.</summary>
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
            throw new DirectoryNotFoundException($"There is no directory '{directory}', which --dir names, or this user may not reach it.");
        }

        AppContext.SetData(Property, directory);
    }
}
