using PosixShm.Segments;

namespace PosixShm.Synchronization;

//
//  A passage is the part of entering or leaving a lock that uses shared memory without a reference to its segment. To take one would double the cost
//  of an uncontended entry. Instead a thread announces its passage with a plain store before it reads whether the lock is open, and ends it with another.
//  Who closes a lock clears "open" first, and then waits for all passages. The store and the read may be reordered by the processor; so the closing
//  thread makes every other one execute a memory barrier in between, with membarrier(2). After it, a passage that is not yet announced finds the lock closed.
//
/// <summary>
/// A thread that has used a lock. Its id is never used again, by a thread or by an asynchronous entry, as a managed thread id is: a lock that outlives its
/// thread must not seem to be held by the next one.
/// </summary>
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

    /// <summary>Gets the calling thread. Its end will be noticed; see <see cref="ThreadEnds"/>.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory or thread left for that.</exception>
    public static LockThread Current => s_current ?? Add();

    /// <summary>Gets the id.</summary>
    public long Id { get; }

    /// <summary>Gets or sets how many locks the thread holds. Only the thread itself sets it.</summary>
    public int Held { get; set; }

    /// <summary>Makes an id that nothing in this process has had.</summary>
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

    /// <summary>Abandons what the thread holds, which has ended. Nearly all threads end outside of locks.</summary>
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
