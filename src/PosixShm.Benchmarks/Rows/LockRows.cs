using PosixShm.Benchmarks.Measuring;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Locks: alone, and between processes.</summary>
internal static class LockRows
{
    public static RowResult Alone(Contest contest)
    {
        using Scratch scratch = new(Scratch.DataOffset, locks: 2);
        using Mutex mutex = new(initiallyOwned: false, scratch.Name);
        SharedLock shared = scratch.Array.Lock;
        Lock managed = new();
        object monitor = new();
        long word = FirstLock(scratch);
        _ = contest.Twin.Run("robust-create", 1, scratch.Path, word + 64);
        return contest.Stage.Measure(
            "lock + unlock, alone",
            [
                Contender.Timed("Monitor", count => Take(monitor, count)),
                Contender.Timed(Contender.Ours, count => Take(shared, count)),
                Contender.Timed("PosixShm, EnterScope", count => TakeScope(shared, count)),
                Contender.Timed("System.Threading.Lock", count => Take(managed, count)),
                contest.Twin.Contender("C futex", "futex-lock", scratch.Path, word),
                contest.Twin.Contender("C robust mutex", "robust-lock", scratch.Path, word + 64),
                Contender.Timed("named Mutex", count => Take(mutex, count)),
                contest.Python.Contender("multiprocessing.Lock", "lock", scratch.Path),
            ],
            [new Gate(1.0)]);
    }

    public static RowResult Contended(Contest contest) => Contended(contest, contest.Stage, 2, withSlowOnes: true, [new Gate(1.3), new Gate(0.1, "named Mutex")]);

    /// <summary>Lets so many processes change one element under one lock.</summary>
    public static RowResult Contended(Contest contest, Stage stage, int processes, bool withSlowOnes, IReadOnlyList<Gate> gates)
    {
        using Scratch scratch = new(Scratch.DataOffset, locks: 2);
        using Team twins = new(processes, () => Worker.Twin(contest.Tools));
        using Team selves = new(processes, Worker.Self);
        long word = FirstLock(scratch);
        _ = contest.Twin.Run("robust-create", 1, scratch.Path, word + 64);
        Contender[] fast =
        [
            twins.Contender("C futex", "futex-lock", scratch.Path, word),
            selves.Contender(Contender.Ours, "lock", scratch.Path),
            twins.Contender("C robust mutex", "robust-lock", scratch.Path, word + 64),
        ];
        Contender[] slow =
        [
            selves.Contender("named Mutex", "mutex", scratch.Path),
            new("multiprocessing.Lock", count => contest.Python.Run("contend", count, scratch.Path, processes) / processes),
        ];
        return stage.Measure($"lock + unlock, contended by {processes} processes", withSlowOnes ? [.. fast, .. slow] : fast, gates);
    }

    // Of two locks, the C contenders take the words that the library leaves free. docs/FORMAT.md says where they are.
    private static long FirstLock(Scratch scratch)
    {
        const int FirstLockOffset = 2112;
        return new FileInfo(scratch.Path).Length - Scratch.DataOffset + FirstLockOffset + (2 * 64);
    }

    private static void Take(object monitor, long count)
    {
        for (long i = 0; i < count; i++)
        {
            Monitor.Enter(monitor);
            Monitor.Exit(monitor);
        }
    }

    private static void Take(Lock managed, long count)
    {
        for (long i = 0; i < count; i++)
        {
            managed.Enter();
            managed.Exit();
        }
    }

    private static void Take(SharedLock shared, long count)
    {
        for (long i = 0; i < count; i++)
        {
            shared.Enter();
            shared.Exit();
        }
    }

    private static void TakeScope(SharedLock shared, long count)
    {
        for (long i = 0; i < count; i++)
        {
            using (shared.EnterScope())
            {
            }
        }
    }

    private static void Take(Mutex mutex, long count)
    {
        for (long i = 0; i < count; i++)
        {
            _ = mutex.WaitOne();
            mutex.ReleaseMutex();
        }
    }
}
