using PosixShm.Format;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>
/// A count of changes in an array's own memory: a writer adds one when it has published something, and readers sleep until the count is another than the one they saw last.
/// </summary>
/// <remarks>
/// <para><c>uint seen = array.Changed.Count; ... seen = array.Changed.Wait(seen);</c></para>
/// <para>
/// No change is missed: a reader names the count that it saw, and the kernel lets it sleep only while the count is still that (<c>FUTEX_WAIT</c> in <c>futex(2)</c>). A change before the wait is
/// seen at once, one during it wakes all readers. Several changes may be seen as one: the count says how many. It starts at 0 and wraps after 2^32.
/// </para>
/// </remarks>
public sealed unsafe class SharedEvent
{
    // A sleeping reader looks at its cancellation token this often; one that cannot be counted, at the count itself.
    private const int LookAfterMilliseconds = 50;
    private const int UncountedLookAfterMilliseconds = 5;

    private readonly Segment _segment;
    private readonly int* _count;
    private readonly int* _waiters;

    internal SharedEvent(Segment segment, long controlOffset)
    {
        _segment = segment;
        _count = (int*)(segment.Address + (nint)controlOffset + ControlPage.EventOffset);
        _waiters = _count + 1;
    }

    /// <summary>Gets the number of changes so far.</summary>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public uint Count
    {
        get
        {
            AddReference();
            try
            {
                return Read();
            }
            finally
            {
                _segment.Release();
            }
        }
    }

    private bool IsShared => _segment.Access == SegmentAccess.ReadWrite;

    /// <summary>Adds one change, and wakes all who wait for one. What was written before is seen by whoever sees the new count.</summary>
    /// <returns>The new count.</returns>
    /// <exception cref="InvalidOperationException">The array is attached to read only, or as a private copy.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public uint Signal()
    {
        if (!IsShared)
        {
            throw new InvalidOperationException($"'{_segment.Name}' is attached to read only or as a private copy, and cannot signal a change that way.");
        }

        AddReference();
        try
        {
            _ = Read();

            // The count first, then the look at the waiters; a waiter does it the other way round. So one of the two sees the other.
            uint count = unchecked((uint)Interlocked.Increment(ref *_count));
            if (Volatile.Read(ref *_waiters) != 0)
            {
                _ = Interop.FutexWake(_count, int.MaxValue);
            }

            return count;
        }
        finally
        {
            _segment.Release();
        }
    }

    /// <summary>Waits until the count is another than the one that was seen last.</summary>
    /// <param name="lastSeen">The count that was seen last.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>The count.</returns>
    /// <remarks>A read-only attachment or a private copy cannot say that it waits, and looks every 5 ms instead.</remarks>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public uint Wait(uint lastSeen, CancellationToken cancellation = default)
    {
        _ = TryWait(lastSeen, Timeout.InfiniteTimeSpan, out uint count, cancellation);
        return count;
    }

    /// <summary>Waits until the count is another than the one that was seen last, but not longer than a time.</summary>
    /// <param name="lastSeen">The count that was seen last.</param>
    /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="count">The count.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out, and the count is still the last one.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or longer than <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public bool TryWait(uint lastSeen, TimeSpan timeout, out uint count, CancellationToken cancellation = default)
    {
        int milliseconds = Milliseconds.Of(timeout, nameof(timeout));
        AddReference();
        try
        {
            long start = Environment.TickCount64;
            while ((count = Read()) == lastSeen)
            {
                cancellation.ThrowIfCancellationRequested();
                long left = milliseconds < 0 ? int.MaxValue : milliseconds - (Environment.TickCount64 - start);
                if (left <= 0)
                {
                    return false;
                }

                Sleep(lastSeen, left);
            }

            return true;
        }
        finally
        {
            _segment.Release();
        }
    }

    private void Sleep(uint lastSeen, long left)
    {
        if (!IsShared)
        {
            _ = Interop.FutexWait(_count, unchecked((int)lastSeen), (int)Math.Min(left, UncountedLookAfterMilliseconds));
            return;
        }

        // A waiter that is killed here stays counted, which costs signallers a needless system call and no more.
        _ = Interlocked.Increment(ref *_waiters);
        _ = Interop.FutexWait(_count, unchecked((int)lastSeen), (int)Math.Min(left, LookAfterMilliseconds));
        _ = Interlocked.Decrement(ref *_waiters);
    }

    private uint Read()
    {
        uint count = unchecked((uint)Volatile.Read(ref *_count));
        return _segment.IsLost ? throw SharedMemoryLostException.Of(_segment.Name.Value) : count;
    }

    private void AddReference() => ObjectDisposedException.ThrowIf(!_segment.TryAddReference(), typeof(SharedArray));
}
