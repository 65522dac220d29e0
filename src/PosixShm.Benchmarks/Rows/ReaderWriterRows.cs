using PosixShm.Benchmarks.Measuring;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Rows;

/// <summary>The reader-writer lock: alone, and with 1 to 4 processes that only read.</summary>
internal static class ReaderWriterRows
{
    private const string Base = "C pthread_rwlock";
    private const string Slim = "ReaderWriterLockSlim";

    public static RowResult Read(Contest contest)
    {
        using Scratch scratch = NewArena(contest);
        using ReaderWriterLockSlim slim = new();
        SharedReaderWriterLock shared = scratch.Array.ReaderWriterLock;
        return contest.Stage.Measure(
            "read lock + unlock, alone",
            [
                contest.Twin.Contender(Base, "rwlock-read", scratch.Path, Arena.Lock),
                Contender.Timed(Contender.Ours, count => ReadScope(shared, count)),
                Contender.Timed("PosixShm, EnterRead and ExitRead", count => Read(shared, count)),
                Contender.Timed(Slim, count => Read(slim, count)),
            ],
            [new Gate(1.3), new Gate(0.8, Slim)]);
    }

    /// <summary>Measures an entry for writing, which reads all slots: the price of the readers' speed. The row has no gate.</summary>
    public static RowResult Write(Contest contest)
    {
        using Scratch scratch = NewArena(contest);
        using ReaderWriterLockSlim slim = new();
        SharedReaderWriterLock shared = scratch.Array.ReaderWriterLock;
        return contest.Stage.Measure(
            "write lock + unlock, alone",
            [
                contest.Twin.Contender(Base, "rwlock-write", scratch.Path, Arena.Lock),
                Contender.Timed(Contender.Ours, count => Write(shared, count)),
                Contender.Timed(Slim, count => Write(slim, count)),
            ],
            []);
    }

    public static RowResult One(Contest contest) => Of(contest, 1, []);

    public static RowResult Two(Contest contest) => Of(contest, 2, [new Gate(0.4)]);

    public static RowResult Three(Contest contest) => Of(contest, 3, []);

    public static RowResult Four(Contest contest) => Of(contest, 4, []);

    private static RowResult Of(Contest contest, int processes, IReadOnlyList<Gate> gates)
    {
        using Scratch arena = NewArena(contest);
        using Team twins = new(processes, () => Worker.Of(contest.Tools.Twin));
        using Team selves = new(processes, Worker.Self);
        return contest.Competition.Measure(
            $"read lock + unlock, {processes} process{(processes == 1 ? string.Empty : "es")}",
            [
                twins.Contender(Base, "rwlock-contend", arena, Arena.Lock),
                selves.Contender(Contender.Ours, "read-contend", arena),
            ],
            gates);
    }

    private static Scratch NewArena(Contest contest)
    {
        Scratch arena = new(Arena.Size);
        _ = contest.Twin.Run("rwlock-create", 1, arena.Path, Arena.Lock);
        return arena;
    }

    private static void Read(SharedReaderWriterLock shared, long count)
    {
        for (long i = 0; i < count; i++)
        {
            shared.EnterRead();
            shared.ExitRead();
        }
    }

    private static void ReadScope(SharedReaderWriterLock shared, long count)
    {
        for (long i = 0; i < count; i++)
        {
            using (shared.EnterReadScope())
            {
            }
        }
    }

    private static void Read(ReaderWriterLockSlim slim, long count)
    {
        for (long i = 0; i < count; i++)
        {
            slim.EnterReadLock();
            slim.ExitReadLock();
        }
    }

    private static void Write(SharedReaderWriterLock shared, long count)
    {
        for (long i = 0; i < count; i++)
        {
            shared.EnterWrite();
            shared.ExitWrite();
        }
    }

    private static void Write(ReaderWriterLockSlim slim, long count)
    {
        for (long i = 0; i < count; i++)
        {
            slim.EnterWriteLock();
            slim.ExitWriteLock();
        }
    }
}
