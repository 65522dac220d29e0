using PosixShm.Segments;

namespace PosixShm.Synchronization;

//
//  A passage is the part of an entry or exit that uses shared memory without a reference to its segment. A reference would double the cost
//  of an uncontended entry. Instead the thread announces its passage with a plain store, then loads whether the lock is open, and ends the
//  passage with another store. The copy of a small snapshot is a passage, too (SnapshotPassage), and is open until the page is detached.
//
//  Invariant: no memory is unmapped during a passage. The thread that closes a lock keeps it: it clears "open" and then waits for all
//  passages. A processor may reorder a passage's store and load, so the closing thread makes every other thread execute a memory barrier in
//  between, with membarrier(2). A passage that is not announced by then finds the lock closed. A load before the announcement breaks it.
//
/// <summary>A thread that has used a lock, or has read small snapshots. No other thread or asynchronous entry ever gets its id, as it may
/// get a managed thread id. So a lock that outlives its thread does not appear to be held by the next one.</summary>
internal sealed class LockThread
{
    [ThreadStatic]
    private static LockThread? s_current;

    private static readonly Registry<LockThread> s_all = new();
    private static long s_lastId;

    private long _passage;
    private int _place;

    private LockThread() => Id = NewId();

    /// <summary>Gets the calling thread, or null before it first used a lock.</summary>
    public static LockThread? CurrentOrNull => s_current;

    /// <summary>Gets the calling thread, whose end is watched; see <see cref="ThreadEnds"/>.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory or thread left to watch it.</exception>
    public static LockThread Current => s_current ?? Add();

    /// <summary>Makes <see cref="CurrentOrNull"/> the calling thread, unless the system has no memory or thread left to watch
    /// it.</summary>
    public static void TryWatch()
    {
        try
        {
            _ = Current;
        }
        catch (InsufficientMemoryException)
        {
            // Snapshots are then read with a reference.
        }
    }

    /// <summary>Gets the id.</summary>
    public long Id { get; }

    /// <summary>Gets or sets how many locks the thread holds. Only the thread itself sets it.</summary>
    public int Held { get; set; }

    /// <summary>Makes an id that no thread or entry of this process has had.</summary>
    public static long NewId() => Interlocked.Increment(ref s_lastId);

    /// <summary>Waits until no thread is in a passage through a table's locks, which are closed.</summary>
    public static void AwaitPassages(long table)
    {
        Interlocked.MemoryBarrierProcessWide();
        foreach (LockThread thread in s_all.All())
        {
            while (Volatile.Read(ref thread._passage) == table)
            {
                _ = Thread.Yield();
            }
        }
    }

    public void BeginPassage(long table) => Volatile.Write(ref _passage, table);

    public void EndPassage() => Volatile.Write(ref _passage, 0);

    /// <summary>Abandons the locks of the thread, which has ended. Nearly all threads end outside of locks.</summary>
    public void End()
    {
        s_all.Remove(_place);
        if (Held > 0)
        {
            LockTable.AbandonAll(Id);
        }
    }

    private static LockThread Add()
    {
        LockThread thread = new();
        ThreadEnds.Watch(thread);
        thread._place = s_all.Add(thread);
        return s_current = thread;
    }
}
