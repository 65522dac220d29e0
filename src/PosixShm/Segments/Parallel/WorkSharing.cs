using System.Runtime.ExceptionServices;

namespace PosixShm.Segments;

/// <summary>
/// Threads of the pool that help the caller with work whose parts everybody takes for himself. They come if they are free: nobody waits for one that has not begun,
/// so that a busy pool makes it slower and never stops it, which <see cref="Parallel"/> does not promise.
/// </summary>
internal sealed class WorkSharing : IThreadPoolWorkItem
{
    /// <summary>How many may help: with the caller, so many use all of the bandwidth of usual machines. More would only be kept from other work.</summary>
    public static readonly int MaxHelpers = Math.Min(Environment.ProcessorCount, 8) - 1;

    private readonly object _gate = new();
    private Action? _help; // null when it is over: one who begins later must not keep alive what was worked on
    private int _atWork;
    private ExceptionDispatchInfo? _error;

    private WorkSharing(Action help) => _help = help;

    /// <summary>Works, with help.</summary>
    /// <param name="work">The caller's part: returns when there is nothing left to take.</param>
    /// <param name="help">Each helper's part.</param>
    public static void Run(Action work, Action help)
    {
        WorkSharing sharing = new(help);
        try
        {
            for (int i = 0; i < MaxHelpers; i++)
            {
                _ = ThreadPool.UnsafeQueueUserWorkItem(sharing, preferLocal: false);
            }

            work();
        }
        finally
        {
            Uninterrupted(sharing.Dismiss);
        }

        sharing._error?.Throw();
    }

    void IThreadPoolWorkItem.Execute()
    {
        Action? help = null;
        Uninterrupted(() => help = Begin());
        if (help is null)
        {
            return;
        }

        try
        {
            help();
        }
#pragma warning disable CA1031 // Any: it is the caller's.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _error = ExceptionDispatchInfo.Capture(error);
        }

        Uninterrupted(Leave);
    }

    private Action? Begin()
    {
        lock (_gate)
        {
            _atWork += _help is null ? 0 : 1;
            return _help;
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            _atWork--;
            Monitor.Pulse(_gate);
        }
    }

    // For who has begun, the caller waits.
    private void Dismiss()
    {
        lock (_gate)
        {
            _help = null;
            while (_atWork > 0)
            {
                _ = Monitor.Wait(_gate);
            }
        }
    }

    // Thread.Interrupt ends waits: then sharing would go on with memory that the caller takes for his again. It is put off until the wait is over.
    private static void Uninterrupted(Action action)
    {
        bool isInterrupted = false;
        while (true)
        {
            try
            {
                action();
                break;
            }
            catch (ThreadInterruptedException)
            {
                isInterrupted = true;
            }
        }

        if (isInterrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }
}
