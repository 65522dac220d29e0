using System.Globalization;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PosixShm.Tests;

/// <summary>
/// A warm process that forks workers, so that a killed worker has a successor in a millisecond and not after another start of the runtime.
/// The parent sends the number of a worker; the server kills that worker, prints KILLED, and forks its successor, which prints READY.
/// </summary>
internal static partial class ForkServer
{
    /// <summary>Gets the environment that the server needs.</summary>
    // A forked process has only the thread that called fork: nothing may depend on a background thread of the runtime.
    // Without W^X, code that a worker compiles is in its own memory and not in a mapping that all workers share.
    public static IReadOnlyList<(string Name, string Value)> Environment { get; } =
    [
        ("DOTNET_TieredCompilation", "0"),
        ("DOTNET_gcConcurrent", "0"),
        ("DOTNET_EnableWriteXorExecute", "0"),
    ];

    /// <summary>Forks workers, and successors of those that the parent names, until standard input ends.</summary>
    /// <param name="count">How many workers there are at any time.</param>
    /// <param name="warmUp">Compiles the code that the workers run. It leaves no array attached, whose descriptor a worker would
    /// share.</param>
    /// <param name="work">The work of a worker until it is killed. It attaches its arrays itself, and calls its argument when it is
    /// ready.</param>
    /// <param name="check">A check after each kill, before the successor is forked.</param>
    public static int Run(int count, Action warmUp, Action<Action> work, Action? check = null)
    {
        warmUp();
        check?.Invoke();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        int[] workers = [.. Enumerable.Range(0, count).Select(_ => Fork(work))];
        while (Console.ReadLine() is string line)
        {
            int victim = int.Parse(line, CultureInfo.InvariantCulture);
            Kill(workers[victim]);
            check?.Invoke();
            Console.WriteLine("KILLED");
            workers[victim] = Fork(work);
        }

        Array.ForEach(workers, Kill);
        return 0;
    }

    // A worker inherits a lock that another thread holds at the fork, but not the thread, and would wait for it for ever. The finalizer
    // and a thread that the warm-up started, whose code may still be compiled, hold locks of the runtime while they run.
    private static bool AreOtherThreadsAsleep() => OwnProcess.OfThreads("stat")
        .All(static thread => thread.Id == System.Environment.ProcessId || thread.Text.Split(") ")[^1][0] == 'S');

    private static int Fork(Action<Action> work)
    {
        Assert.That(AreOtherThreadsAsleep, Is.True.After(60_000, 1), "a thread of the runtime or of the library is busy");
        int id = fork();
        Assert.That(id, Is.Not.Negative, "fork");
        if (id == 0)
        {
            // A server that is killed takes its workers with it.
            const int DeathSignal = 1;
            Assert.That(prctl(DeathSignal, (nint)(int)Signum.SIGKILL, 0, 0, 0), Is.Zero);
            work(static () => Console.WriteLine("READY"));
            Kill(Syscall.getpid());
        }

        return id;
    }

    private static void Kill(int id)
    {
        Assert.That(Syscall.kill(id, Signum.SIGKILL), Is.Zero);
        Assert.That(Syscall.waitpid(id, out _, 0), Is.EqualTo(id));
    }

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fork();

    // Variadic in C: further arguments are passed like declared ones on x64 and arm64 Linux.
    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int prctl(int option, nint signal, nint unused3, nint unused4, nint unused5);
}
