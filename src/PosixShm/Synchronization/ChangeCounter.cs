using PosixShm.Formats;
using PosixShm.Native;

namespace PosixShm.Synchronization;

/// <summary>
/// A count of changes in an array's own memory: a writer adds one when it has published something, and readers sleep until the count is another than the one they saw last.
/// </summary>
/// <remarks>
/// <para><c>uint seen = array.ChangeCounter.Count; ... seen = array.ChangeCounter.Wait(seen);</c></para>
/// <para>
/// No change is missed: a reader names the count that it saw, and the kernel lets it sleep only while the count is still that (<c>FUTEX_WAIT</c> in <c>futex(2)</c>). A change before the wait is
/// seen at once, one during it wakes all readers. Several changes may be seen as one: the count says how many. It starts at 0 and wraps after 2^32.
/// </para>
/// <para>An array that is replaced or resized signals a last change: see <see cref="UntypedSharedArray.IsCurrent"/>.</para>
/// </remarks>
public sealed unsafe class ChangeCounter
{
    // A reader that cannot be counted reads the count itself this often, or looks for a control page.
    private const int UncountedSleepMilliseconds = 5;

    private readonly AttachedPage _page;
    private readonly int* _count;
    private readonly int* _waiters;
    private volatile bool _isDetached;

    // 1 once the name was found to be another file's, or no file's, while nothing could be signalled: a last change, which nobody else sees.
    private volatile uint _replacements;

    // Whether the name was checked since the page was found.
    private volatile bool _isNameChecked;

    internal ChangeCounter(AttachedPage page)
    {
        _page = page;
        _count = (int*)(page.Address + ControlPage.EventOffset);
        _waiters = _count + 1;
    }

    /// <summary>Gets the number of changes so far.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public uint Count
    {
        get
        {
            using AttachedPage.Use use = Using();
            return Read();
        }
    }

    /// <summary>Adds one change, and wakes all who wait for one. What was written before is seen by whoever sees the new count.</summary>
    /// <returns>The new count.</returns>
    /// <exception cref="InvalidOperationException">The array is attached to read only, or as a private copy; or it cannot get a control page, for the reason in the message.</exception>
    /// <exception cref="IOException">There is no space for the control page.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public uint Signal()
    {
        if (!_page.IsWritable)
        {
            throw new InvalidOperationException($"'{_page.Name}' is attached to read only or as a private copy, and cannot signal a change that way.");
        }

        using AttachedPage.Use use = Using();
        _page.Make();
        _page.ThrowIfLost();

        // The count first, then the number of waiters; a waiter does it the other way round. So one of the two sees the other.
        uint count = unchecked((uint)Interlocked.Increment(ref *_count));
        if (Volatile.Read(ref *_waiters) != 0)
        {
            _ = Interop.FutexWake(_count, int.MaxValue);
        }

        return unchecked(count + _replacements);
    }

    /// <summary>Waits until the count is another than the one that was seen last.</summary>
    /// <param name="lastSeen">The count that was seen last.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>The count.</returns>
    /// <remarks>A read-only attachment or a private copy cannot say that it waits, and reads the count every 5 ms instead.</remarks>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted; noticed within 50 ms.</exception>
    /// <exception cref="InvalidOperationException">The array cannot get a control page, for the reason in the message.</exception>
    /// <exception cref="IOException">There is no space for the control page.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached, before the wait or during it; noticed within 50 ms.</exception>
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
    /// <inheritdoc cref="Wait"/>
    public bool TryWait(uint lastSeen, TimeSpan timeout, out uint count, CancellationToken cancellation = default)
    {
        WaitTime time = new(TimeLimit.InMilliseconds(timeout, nameof(timeout)), cancellation);
        using AttachedPage.Use use = Using();
        if (_page.IsWritable && !time.IsZero)
        {
            _page.Make();
        }

        while ((count = Read()) == lastSeen)
        {
            ObjectDisposedException.ThrowIf(time.IsCheckDue() && _isDetached, typeof(SharedArray));
            if (time.IsOver)
            {
                return false;
            }

            Sleep(lastSeen, time.NextSleep);
        }

        return true;
    }

    /// <summary>Ends all waits: the array is disposed.</summary>
    internal void Detach() => _isDetached = true;

    private void Sleep(uint lastSeen, int milliseconds)
    {
        if (!_page.IsFound)
        {
            // Nothing to sleep on, and nothing that a replacement could signal.
            Thread.Sleep(Math.Min(milliseconds, UncountedSleepMilliseconds));
            _replacements = _page.IsNameGone() ? 1u : _replacements;
            return;
        }

        if (!_isNameChecked)
        {
            // A process that replaces the array signals in a page that is there. The page may be younger than the replacement, whoever made it.
            _isNameChecked = true;
            _replacements = _page.IsNameOfAnother() ? 1u : _replacements;
            return;
        }

        int seen = unchecked((int)(lastSeen - _replacements));
        if (!_page.IsWritable)
        {
            _ = Interop.FutexWait(_count, seen, Math.Min(milliseconds, UncountedSleepMilliseconds));
            return;
        }

        // The check before the sleep may have yielded the processor since the page was found good.
        _page.ThrowIfLost();

        // A waiter that is killed here stays counted, which costs signallers a needless system call and no more.
        _ = Interlocked.Increment(ref *_waiters);
        _ = Interop.FutexWait(_count, seen, milliseconds);
        if (!_page.IsLost)
        {
            _ = Interlocked.Decrement(ref *_waiters);
        }
    }

    // The count is read first: if the page is good after that, the count was one.
    private uint Read()
    {
        uint count = _page.TryFind() ? unchecked((uint)Volatile.Read(ref *_count)) : 0;
        _page.ThrowIfLost();
        return unchecked(count + _replacements);
    }

    private AttachedPage.Use Using()
    {
        ObjectDisposedException.ThrowIf(_isDetached, typeof(SharedArray));
        return _page.Using();
    }
}
