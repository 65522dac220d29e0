using PosixShm.Formats;
using PosixShm.Native;

namespace PosixShm.Synchronization;

/// <summary>A count of changes in an array's own memory. A writer adds one after each change. Readers sleep until the count differs from
/// the last one that they read.</summary>
/// <remarks><para><c>uint seen = array.ChangeCounter.Count; ... seen = array.ChangeCounter.Wait(seen);</c></para>
/// <para>No change is missed: a reader passes the count that it read last, and the kernel lets it sleep only while the count has this value
/// (<c>FUTEX_WAIT</c> in <c>futex(2)</c>). A change before the wait ends it at once, and one during it wakes all readers. A reader may see
/// several changes as one; the difference of the counts is their number. The count starts at 0 and wraps after 2^32.</para>
/// <para>An array that is replaced or resized signals a last change: see <see cref="UntypedSharedArray.IsCurrent"/>.</para></remarks>
public sealed unsafe partial class ChangeCounter
{
    // Part of the protocol: docs/FORMAT.md, "The count of changes", promises that a reader without write permission checks this often.
    private const int UncountedNapMilliseconds = 5;

    // No owner can die here, and a disposal ends the waits itself. Lost memory remains.
    private const int CountedNapMilliseconds = 1000;

    private readonly AttachedPage _page;
    private readonly int* _count;
    private readonly int* _waiters;
    private volatile bool _isDetached;

    // Becomes 1 when the name is found to be another file's, or no file's, and no process could signal that: a last change, added by each
    // reader for itself.
    private volatile uint _replacements;

    // Whether the name was checked after the page was found.
    private volatile bool _isNameChecked;

    internal ChangeCounter(AttachedPage page)
    {
        _page = page;
        _count = (int*)(page.Address + ControlPage.EventOffset);
        _waiters = _count + 1;
    }

    /// <summary>Gets the number of changes so far.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public uint Count
    {
        get
        {
            using AttachedPage.Use use = Using();
            return Read();
        }
    }

    /// <summary>Adds one change, and wakes all waiters. A reader of the new count also sees everything that was written before.</summary>
    /// <returns>The new count.</returns>
    /// <exception cref="InvalidOperationException">The array is read-only, a private copy, or has no count of changes.</exception>
    /// <exception cref="IOException">There is no space for the control page.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public uint Signal()
    {
        if (!_page.IsWritable)
        {
            throw new InvalidOperationException(
                $"'{_page.Name}' is attached to read only or as a private copy, and cannot signal a change that way.");
        }

        using AttachedPage.Use use = Using();
        return unchecked(Signal(_page) + _replacements);
    }

    /// <summary>Adds one change, and wakes all waiters. The page stays mapped during the call.</summary>
    internal static uint Signal(AttachedPage page)
    {
        page.Make();
        page.ThrowIfLost();

        // Invariant: a waiter is woken, or does not sleep. The signaller changes the count and then loads the number of waiters. A waiter
        // adds itself to that number, and then the kernel loads the count. So one of the two sees the other; docs/FORMAT.md, "The count of
        // changes".
        int* count = (int*)(page.Address + ControlPage.EventOffset);
        uint changes = unchecked((uint)Interlocked.Increment(ref *count));
        if (Volatile.Read(ref count[1]) != 0)
        {
            _ = Interop.FutexWake(count, int.MaxValue);
        }

        return changes;
    }

    /// <summary>Waits until the count differs from the one that was read last.</summary>
    /// <param name="lastSeen">The count that was read last.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>The count.</returns>
    /// <remarks>A read-only attachment or a private copy cannot be counted as a waiter, and reads the count every 5 ms instead.</remarks>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted; noticed within 50 ms.</exception>
    /// <exception cref="InvalidOperationException">The array cannot get a control page, for the reason in the message.</exception>
    /// <exception cref="IOException">There is no space for the control page.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached, before the wait or during it; noticed within 50 ms.</exception>
    public uint Wait(uint lastSeen, CancellationToken cancellation = default)
    {
        _ = TryWait(lastSeen, Timeout.InfiniteTimeSpan, out uint count, cancellation);
        return count;
    }

    /// <summary>Waits until the count differs from the one that was read last, up to a time limit.</summary>
    /// <param name="lastSeen">The count that was read last.</param>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="count">The count.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out, and the count is still the last one.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <inheritdoc cref="Wait"/>
    public bool TryWait(uint lastSeen, TimeSpan timeout, out uint count, CancellationToken cancellation = default)
    {
        WaitTime time = new(TimeLimit.InMilliseconds(timeout, nameof(timeout)), cancellation);
        using AttachedPage.Use use = Using();
        if (_page.IsWritable && !time.IsZero)
        {
            _page.Make();
        }

        Change change = new(this, lastSeen);
        bool isChanged = WaitLoop.Run(ref change, ref time);
        count = change.Count;
        return isChanged;
    }

    /// <summary>Ends all waits: the array is disposed.</summary>
    internal void Detach()
    {
        _isDetached = true;
        CheckWaits();
    }

    private void CheckWaits() => WaitThreads.Check((nint)_count);

    // The count is read first: if the page is intact after that, the value was the count.
    private uint Read()
    {
        uint count = _page.TryFind() ? unchecked((uint)Volatile.Read(ref *_count)) : 0;
        _page.ThrowIfLost();
        return unchecked(count + _replacements);
    }

    private AttachedPage.Use Using()
    {
        ThrowIfDetached();
        return _page.Using();
    }

    private void ThrowIfDetached() => ObjectDisposedException.ThrowIf(_isDetached, typeof(SharedArray));

    // The rules of one wait. A signal wakes all waiters, so there is no wake-up to pass on. The page has no owner that may die.
    private struct Change(ChangeCounter counter, uint lastSeen) : IWaitRules
    {
        private bool _isCounted;
        private bool _hasNapped; // without a page

        public uint Count { get; private set; }

        public WaitStep Probe(out int seen)
        {
            Count = counter.Read();
            seen = unchecked((int)Count);
            return Count == lastSeen ? WaitStep.Wait : WaitStep.Done;
        }

        //  A change may be far away, so a spin is the user's choice.
        public readonly bool CanSpin(int seen) => SpinBudget.IsChosen;

        public WaitStep Check(int seen, bool isDue)
        {
            ObjectDisposedException.ThrowIf(isDue && counter._isDetached, typeof(SharedArray));
            bool hasNapped = _hasNapped;
            _hasNapped = false;
            if (hasNapped && counter._replacements == 0 && counter._page.IsNameGone())
            {
                counter._replacements = 1;
                return WaitStep.Retry;
            }

            return WaitStep.Wait;
        }

        public WaitStep PrepareSleep(int seen, out WaitPlace place)
        {
            AttachedPage page = counter._page;
            _hasNapped = !page.IsFound;
            if (_hasNapped)
            {
                // There is no word to sleep on, and none in which a replacement could be signalled.
                place = WaitPlace.Timer(UncountedNapMilliseconds);
                return WaitStep.Wait;
            }

            place = default;
            if (!counter._isNameChecked)
            {
                // A process that replaces the array signals in a page that exists. The page may have been made after the replacement.
                // Invariant: the replacer renames and then searches the page; a waiter finds the page and then checks the name. So one
                // meets the other.
                counter._isNameChecked = true;
                counter._replacements = page.IsNameOfAnother() ? 1u : counter._replacements;
                return WaitStep.Retry;
            }

            int count = unchecked(seen - (int)counter._replacements);
            if (!page.IsWritable)
            {
                place = WaitPlace.All(counter._count, count, UncountedNapMilliseconds);
                return WaitStep.Wait;
            }

            // The check before the sleep may have yielded the processor since the page was found to be intact.
            page.ThrowIfLost();

            // A waiter that is killed here stays counted, which costs signallers a needless system call and nothing else.
            _ = Interlocked.Increment(ref *counter._waiters);
            _isCounted = true;
            place = WaitPlace.All(counter._count, count, CountedNapMilliseconds);
            return WaitStep.Wait;
        }

        public void EndSleep()
        {
            if (_isCounted && !counter._page.IsLost)
            {
                _ = Interlocked.Decrement(ref *counter._waiters);
            }

            _isCounted = false;
        }

        public readonly void GiveUp()
        {
        }
    }
}
