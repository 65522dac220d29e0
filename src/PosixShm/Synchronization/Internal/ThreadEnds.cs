using System.Runtime.InteropServices;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>Marks the locks of a thread as abandoned when it ends. Other processes cannot see threads, so its own process does it. The C
/// library calls a function of the shim as a thread ends (<c>pthread_key_create(3)</c>); one thread of the library sleeps until
/// then.</summary>
internal static class ThreadEnds
{
    private const int StackSize = 256 << 10;

    private static readonly Gate s_starting = new();
    private static nint s_watch;

    /// <summary>Watches for the end of the calling thread.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory or thread left to watch it.</exception>
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
