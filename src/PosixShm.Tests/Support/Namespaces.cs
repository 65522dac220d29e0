using Mono.Unix.Native;

namespace PosixShm.Tests;

/// <summary>
/// Commands in namespaces of their own (unshare(1)): a directory that is another file system, other process ids.
/// Without root they are in a user namespace, where mounting is allowed, too.
/// </summary>
internal static class Namespaces
{
    private static readonly Lazy<string[]> s_rights = new(FindRights);

    /// <summary>Returns the command that runs another one where a directory is a separate file system, with options of tmpfs(5).</summary>
    public static string[] WithFileSystem(string directory, string options, IEnumerable<string> command)
        => WithMounts($"mount -t tmpfs -o {options} none \"$1\"", directory, command);

    /// <summary>Returns the command that runs another one after mounting, in bash(1), where <c>$1</c> is a path.</summary>
    public static string[] WithMounts(string mount, string path, IEnumerable<string> command)
        => ["unshare", .. s_rights.Value, "--mount", "bash", "-c", mount + " && shift && exec \"$@\"", "bash", path, .. command];

    /// <summary>Returns the command that runs another one where there is no /dev/shm, as in some sandboxes.</summary>
    public static string[] WithoutShm(IEnumerable<string> command)
        => WithMounts(
            "mount -t tmpfs none /mnt && mkdir /mnt/d && mount --rbind /dev /mnt/d && mount -t tmpfs none \"$1\""
            + " && for n in null zero urandom; do touch /dev/$n; mount --bind /mnt/d/$n /dev/$n; done",
            "/dev",
            command);

    /// <summary>Returns the command that runs another one with process ids of its own, with further options of unshare(1).</summary>
    public static string[] WithProcessIds(IEnumerable<string> command, params IEnumerable<string> options)
        => ["unshare", .. s_rights.Value, "--pid", "--fork", "--kill-child", .. options, .. command];

    /// <summary>Returns the command that runs a static local function with a separate /dev/shm.</summary>
    public static string[] WithShm(string options, Func<string[], int> method, params string[] args)
        => WithFileSystem("/dev/shm", options, ChildProcess.CommandLine(method, args));

    /// <summary>Runs a static local function in a process with a separate /dev/shm, and returns its output.</summary>
    public static string RunWithShm(string options, Func<string[], int> method, params string[] args)
        => ChildProcess.Run(WithShm(options, method, args));

    // A machine can forbid user namespaces. The first use checks that.
    private static string[] FindRights()
    {
        if (Syscall.geteuid() == 0)
        {
            return [];
        }

        string[] rights = ["--user", "--map-root-user"];
        using ChildProcess probe = ChildProcess.Start(["unshare", .. rights, "--mount", "mount", "-t", "tmpfs", "none", "/dev/shm"]);
        return probe.WaitForExit() == 0 ? rights : [];
    }
}
