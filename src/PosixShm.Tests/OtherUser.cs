using Mono.Unix.Native;

namespace PosixShm.Tests;

/// <summary>Commands with the rights of another user than root.</summary>
internal static class OtherUser
{
    private const string Mount =
        """
        set -e
        mount -t tmpfs none /mnt
        mkdir /mnt/dotnet /mnt/tests
        mount --bind "$1" /mnt/dotnet
        mount --bind "$2" /mnt/tests
        shift 2
        cd /
        exec "$@"
        """;

    private static readonly string[] s_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    private static readonly Lazy<bool> s_mayReadTests = new(MayReadTests);

    /// <summary>Runs a static local function as the user nobody, to its good end. Only root can.</summary>
    public static void Run(Func<string[], int> method, params string[] args)
        => _ = ChildProcess.Run(Nobody(ChildProcess.CommandLine(method, args)));

    /// <summary>Gives the command that runs another one of this assembly as nobody, or, if the tests do not run as root, as it is.</summary>
    public static string[] WithoutRoot(IEnumerable<string> command) => Syscall.geteuid() == 0 ? Nobody(command) : [.. command];

    // Where nobody may not read the runtime and the tests, as in a home directory, they are shown elsewhere to that process alone.
    private static string[] Nobody(IEnumerable<string> command)
    {
        if (s_mayReadTests.Value)
        {
            return [.. s_nobody, .. command];
        }

        string runtime = Path.GetDirectoryName(Environment.ProcessPath)!;
        string tests = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        return
        [
            "unshare", "--mount", "bash", "-c", Mount, "bash", runtime, tests, .. s_nobody,
            .. command.Select(word => Moved(word, runtime, "/mnt/dotnet") ?? Moved(word, tests, "/mnt/tests") ?? word),
        ];
    }

    private static string? Moved(string word, string from, string to)
        => word.StartsWith(from + '/', StringComparison.Ordinal) ? to + word[from.Length..] : null;

    private static bool MayReadTests()
    {
        using ChildProcess test = ChildProcess.Start(
            [.. s_nobody, "sh", "-c", "test -x \"$0\" && test -r \"$1\"", Environment.ProcessPath!, typeof(OtherUser).Assembly.Location]);
        return test.WaitForExit() == 0;
    }
}
