using System.Runtime.ExceptionServices;

namespace PosixShm.Segments;

/// <summary>Work that thread-pool threads share with the caller: each of them acquires the next part until none is left. The caller waits
/// for threads that have begun, and not for others. So a busy pool delays the work and never stops it, which <see cref="Parallel"/> does
/// not promise.</summary>
internal sealed class WorkSharing : IThreadPoolWorkItem
{
    /// <summary>The most threads that share. With the caller, they use the whole bandwidth of usual machines.</summary>
    public static readonly int MaxHelpers = Math.Min(Environment.ProcessorCount, 8) - 1;

    private readonly object _gate = new();
    private Action? _help; // null at the end, so that a thread that begins later does not keep the work's objects alive
    private int _atWork;
    private ExceptionDispatchInfo? _error;

    private WorkSharing(Action help) => _help = help;

    /// <summary>Does the work, together with free thread-pool threads.</summary>
    /// <param name="work">The caller's share, which returns when no part is left.</param>
    /// <param name="help">The share of each thread-pool thread.</param>
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
#pragma warning disable CA1031 // The caller gets exceptions of all types.
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

    // The caller waits for threads that have begun.
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

    // Invariant: no thread works on the caller's memory after Run. An interrupt would end the wait early, so it is postponed until after
    // it.
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
