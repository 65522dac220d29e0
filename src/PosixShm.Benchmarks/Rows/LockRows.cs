using PosixShm.Benchmarks.Measuring;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Locks that no other process uses.</summary>
internal static class LockRows
{
    public static RowResult Alone(Contest contest)
    {
        using Scratch scratch = new(Arena.Size);
        using Mutex mutex = new(initiallyOwned: false, scratch.Name);
        SharedLock shared = scratch.Array.Lock;
        Lock managed = new();
        object monitor = new();
        const int Robust = Arena.Lock + Arena.LockSize;
        _ = contest.Twin.Run("robust-create", 1, scratch.Path, Robust);
        return contest.Stage.Measure(
            "lock + unlock, alone",
            [
                Contender.Timed("Monitor", count => Take(monitor, count)),
                Contender.Timed(Contender.Ours, count => Take(shared, count)),
                Contender.Timed("PosixShm, EnterScope", count => TakeScope(shared, count)),
                Contender.Timed("System.Threading.Lock", count => Take(managed, count)),
                contest.Twin.Contender("C futex", "futex-lock", scratch.Path, Arena.Lock),
                contest.Twin.Contender("C robust mutex", "mutex-lock", scratch.Path, Robust),
                Contender.Timed("named Mutex", count => Take(mutex, count)),
                contest.Python.Contender("multiprocessing.Lock", "lock", scratch.Path),
            ],
            [new Gate(1.0)]);
    }

    /// <summary>Measures the first use of an array's lock, which creates its control page and acquires an owner's slot. It happens once
    /// for an array, so the row has no gate.</summary>
    public static RowResult First(Contest contest)
    {
        const int Elements = 10;
        string name = Scratch.NewName();
        return contest.Stage.Measure(
            "first Lock.Enter of an array",
            [
                contest.Twin.Contender(SegmentRows.SameCalls, "first-lock", Scratch.NewPath(), Elements * sizeof(double)),
                Contender.Between(
                    Contender.Ours,
                    () => SharedArray.Create<double>(name, Elements),
                    static array => array.Lock.Enter(),
                    array =>
                    {
                        array.Lock.Exit();
                        array.Dispose();
                        SharedArray.Delete(name);
                    }),
            ],
            []);
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
