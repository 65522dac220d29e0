using System.Runtime.InteropServices;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>
/// Notices that a thread ended inside a lock, and marks the lock as abandoned. Other processes cannot see threads, so this one has to.
/// The C library calls a function of the shim as a thread ends (<c>pthread_key_create(3)</c>); one thread of the library sleeps until
/// that happens.
/// </summary>
internal static class ThreadEnds
{
    private const int StackSize = 256 << 10;

    private static readonly Gate s_starting = new();
    private static nint s_watch;

    /// <summary>Has the end of the calling thread noticed.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory or thread left for that.</exception>
    public static void Watch(LockThread thread)
    {
        GCHandle handle = GCHandle.Alloc(thread);
        try
        {
            StartOnce();
            if (Interop.WatchThread(s_watch, GCHandle.ToIntPtr(handle)) < 0)
            {
                throw new OutOfMemoryException();
            }
        }
        catch (OutOfMemoryException error)
        {
            handle.Free();
            throw new InsufficientMemoryException(
                "A lock cannot be used by this thread: there is not enough memory, or there are too many threads (RLIMIT_NPROC), " +
                "to notice the thread's end.",
                error);
        }
    }

    private static void StartOnce()
    {
        using (s_starting.Enter())
        {
            if (s_watch == 0)
            {
                nint watch = Interop.CreateThreadWatch();
                if (watch == 0)
                {
                    throw new OutOfMemoryException();
                }

                new Thread(() => Run(watch), StackSize) { IsBackground = true, Name = "PosixShm: ends of threads" }.UnsafeStart();
                s_watch = watch;
            }
        }
    }

    private static void Run(nint watch)
    {
        while (true)
        {
            GCHandle handle = GCHandle.FromIntPtr(Interop.WaitForThreadEnd(watch));
            LockThread ended = (LockThread)handle.Target!;
            handle.Free();
            ended.End();
        }
    }
}
