using PosixShm.Native;

namespace PosixShm.Synchronization;

/// <summary>
/// Notices that a thread ended inside a lock, and marks the lock as abandoned. Other processes cannot see threads, so this one has to. The C library calls
/// a function of the shim as a thread ends (<c>pthread_key_create(3)</c>); one thread of the library sleeps until that happens.
/// </summary>
internal static class ThreadEnds
{
    private const int StackSize = 256 << 10;

    private static readonly Lock s_starting = new();
    private static nint s_watch;

    /// <summary>Has the end of the calling thread noticed.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory or thread left for that.</exception>
    public static void Watch(long id)
    {
        try
        {
            lock (s_starting)
            {
                if (s_watch == 0)
                {
                    Start();
                }
            }
        }
        catch (OutOfMemoryException error)
        {
            throw NoMemory(error);
        }

        if (Interop.WatchThread(s_watch, id) < 0)
        {
            throw NoMemory();
        }
    }

    private static void Start()
    {
        nint watch = Interop.CreateThreadWatch();
        if (watch == 0)
        {
            throw NoMemory();
        }

        new Thread(() => Run(watch), StackSize) { IsBackground = true, Name = "PosixShm: ends of threads" }.UnsafeStart();
        s_watch = watch;
    }

    private static void Run(nint watch)
    {
        while (true)
        {
            // Nearly all threads end outside of locks.
            if (LockThread.Remove(Interop.WaitForThreadEnd(watch)) is LockThread { Held: > 0 } thread)
            {
                LockTable.AbandonAll(thread.Id);
            }
        }
    }

    private static InsufficientMemoryException NoMemory(Exception? cause = null)
        => new("A lock cannot be used by this thread: there is not enough memory, or there are too many threads (RLIMIT_NPROC), to notice the thread's end.", cause);
}
