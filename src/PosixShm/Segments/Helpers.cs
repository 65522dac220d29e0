using System.Runtime.ExceptionServices;

namespace PosixShm.Segments;

/// <summary>
/// Threads of the pool that help the caller with work whose parts everybody takes for himself. They come if they are free: nobody waits for one that has not begun,
/// so that a busy pool makes it slower and never stops it, which <see cref="Parallel"/> does not promise.
/// </summary>
internal sealed class Helpers : IThreadPoolWorkItem
{
    private readonly Action _help;
    private readonly object _gate = new();
    private int _atWork;
    private bool _isOver;
    private ExceptionDispatchInfo? _error;

    private Helpers(Action help) => _help = help;

    /// <summary>Works, with help.</summary>
    /// <param name="most">The most helpers.</param>
    /// <param name="work">The caller's part: returns when there is nothing left to take.</param>
    /// <param name="help">Each helper's part.</param>
    public static void Run(int most, Action work, Action help)
    {
        Helpers helpers = new(help);
        for (int i = 0; i < most; i++)
        {
            _ = ThreadPool.UnsafeQueueUserWorkItem(helpers, preferLocal: false);
        }

        try
        {
            work();
        }
        finally
        {
            helpers.Dismiss();
        }

        helpers._error?.Throw();
    }

    void IThreadPoolWorkItem.Execute()
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return;
            }

            _atWork++;
        }

        try
        {
            _help();
        }
#pragma warning disable CA1031 // Any: it is the caller's.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _error = ExceptionDispatchInfo.Capture(error);
        }

        lock (_gate)
        {
            _atWork--;
            Monitor.Pulse(_gate);
        }
    }

    // Whoever begins later finds that it is over; for who has begun, the caller waits.
    private void Dismiss()
    {
        lock (_gate)
        {
            _isOver = true;
            while (_atWork > 0)
            {
                _ = Monitor.Wait(_gate);
            }
        }
    }
}
