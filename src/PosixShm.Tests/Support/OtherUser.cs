using Mono.Unix.Native;

namespace PosixShm.Tests;

/// <summary>Commands with the rights of a user other than root.</summary>
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

    private const int NobodyId = 65534;

    private static readonly Lazy<bool> s_mayReadTests = new(MayReadTests);

    /// <summary>Runs a static local function as user 65534, to its good end. Only root can.</summary>
    public static void Run(Func<string[], int> method, params string[] args)
        => _ = ChildProcess.Run(Command(NobodyId, ChildProcess.CommandLine(method, args)));

    /// <summary>Returns the command that runs another one of this assembly as user 65534 or, without root, that command itself.</summary>
    public static string[] WithoutRoot(IEnumerable<string> command) => Syscall.geteuid() == 0 ? Command(NobodyId, command) : [.. command];

    /// <summary>Returns the command that runs another one of this assembly as a user, who may have no name. Only root can.</summary>
    // If the user may not read the runtime and the tests, as in a home directory, that process alone gets them mounted elsewhere.
    public static string[] Command(int id, IEnumerable<string> command)
    {
        string[] user = Rights(id);
        if (s_mayReadTests.Value)
        {
            return [.. user, .. command];
        }

        string runtime = Path.GetDirectoryName(Environment.ProcessPath)!;
        string tests = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        return
        [
            "unshare", "--mount", "bash", "-c", Mount, "bash", runtime, tests, .. user,
            .. command.Select(word => Moved(word, runtime, "/mnt/dotnet") ?? Moved(word, tests, "/mnt/tests") ?? word),
        ];
    }

    private static string[] Rights(int id) => ["setpriv", $"--reuid={id}", $"--regid={id}", "--clear-groups"];

    private static string? Moved(string word, string from, string to)
        => word.StartsWith(from + '/', StringComparison.Ordinal) ? to + word[from.Length..] : null;

    private static bool MayReadTests()
    {
        using ChildProcess test = ChildProcess.Start(
        [
            .. Rights(NobodyId), "sh", "-c", "test -x \"$0\" && test -r \"$1\"", Environment.ProcessPath!,
            typeof(OtherUser).Assembly.Location,
        ]);
        return test.WaitForExit() == 0;
    }
}
