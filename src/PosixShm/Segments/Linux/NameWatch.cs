using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Waits for a name to appear or its file to change, without polling; see <c>inotify(7)</c>.</summary>
/// <remarks>Invariant: no name is missed. The directory is watched before the last attempt to open the name before a sleep. So a name that
/// appears between that attempt and the sleep has an event in the queue.</remarks>
/// <param name="name">The name.</param>
/// <param name="timeoutMilliseconds">The time limit; -1 for none.</param>
/// <param name="cancellation">Ends the wait.</param>
internal sealed class NameWatch(SegmentName name, int timeoutMilliseconds, CancellationToken cancellation) : IDisposable
{
    private readonly long _start = Environment.TickCount64;
    private readonly string _file = Path.GetFileName(name.Path);
    private CancellationTokenRegistration _registration;
    private Descriptor? _queue;

    /// <summary>Waits for the next attempt: at once after the watch has begun, then after each change. False if the time is over.</summary>
    /// <exception cref="FileNotFoundException">The directory does not exist.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public bool Wait()
    {
        cancellation.ThrowIfCancellationRequested();
        int rest = Rest();
        if (rest == 0 || _queue is null)
        {
            return rest != 0 && Begin();
        }

        for (; rest != 0; rest = Rest())
        {
            Interop.WatchResult found = Interop.WaitForEntry(_queue, _file, rest);
            cancellation.ThrowIfCancellationRequested();
            if (found == Interop.WatchResult.WATCH_ENDED)
            {
                // The directory was deleted or moved: the next attempt fails, or finds a new directory, which needs a new watch.
                Dispose();
                _queue = null;
                return true;
            }

            SegmentError.Check((int)found, name, SegmentError.Watch);
            if (found == Interop.WatchResult.WATCH_NAMED)
            {
                return true;
            }
        }

        return false;
    }

    public void Dispose()
    {
        // The registration comes first: its disposal waits for a callback that uses the descriptor.
        _registration.Dispose();
        _queue?.Dispose();
    }

    private bool Begin()
    {
        Descriptor queue = Interop.WatchDirectory(name.Directory, out int watch);
        if (queue.IsInvalid)
        {
            throw SegmentError.Last(name, SegmentError.Watch);
        }

        _queue = queue;
        _registration = cancellation.UnsafeRegister(_ => Interop.EndWatch(queue, watch), state: null);
        return true;
    }

    // Milliseconds, or -1 for no limit.
    private int Rest()
        => timeoutMilliseconds < 0 ? timeoutMilliseconds : (int)Math.Max(0, _start + timeoutMilliseconds - Environment.TickCount64);
}
