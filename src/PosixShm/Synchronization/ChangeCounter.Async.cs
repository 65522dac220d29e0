using System.Runtime.CompilerServices;

namespace PosixShm.Synchronization;

/// <content>Waits that block no thread, and waits for the first of several counters.</content>
public sealed partial class ChangeCounter
{
    /// <summary>Waits until the count of one of several counters differs from the one that was read last.</summary>
    /// <param name="counters">The counters, of any arrays.</param>
    /// <param name="lastSeen">The counts that were read last, in the same order. The changed one becomes the new count.</param>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The index of a counter that has changed: the first one in the list if several have before the wait.</returns>
    /// <exception cref="ArgumentException">The list is empty, contains null, or there is not one count for each counter.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted.</exception>
    /// <exception cref="InvalidOperationException">An array cannot get a control page, for the reason in the message.</exception>
    /// <exception cref="IOException">There is no space for a control page.</exception>
    /// <exception cref="SharedMemoryLostException">The memory of an array is lost.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left for the wait.</exception>
    /// <exception cref="ObjectDisposedException">An array is detached, before the wait or during it; noticed within 50 ms.</exception>
    public static int WaitAny(ReadOnlySpan<ChangeCounter> counters, Span<uint> lastSeen, CancellationToken cancellation = default)
    {
        _ = TryWaitAny(counters, lastSeen, Timeout.InfiniteTimeSpan, out int changed, cancellation);
        return changed;
    }

    /// <summary>Waits until the count of one of several counters differs from the one that was read last, up to a time limit.</summary>
    /// <param name="counters">The counters, of any arrays.</param>
    /// <param name="lastSeen">The counts that were read last, in the same order. The changed one becomes the new count.</param>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="changed">The index of a counter that has changed; -1 if the time ran out.</param>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <inheritdoc cref="WaitAny"/>
    public static bool TryWaitAny(
        ReadOnlySpan<ChangeCounter> counters,
        Span<uint> lastSeen,
        TimeSpan timeout,
        out int changed,
        CancellationToken cancellation = default)
    {
        int milliseconds = TimeLimit.InMilliseconds(timeout, nameof(timeout));
        changed = FindChanged(counters, lastSeen);
        if (changed < 0 && milliseconds != 0)
        {
            changed = new AnyChange(counters, lastSeen).Wait(milliseconds, lastSeen, cancellation);
        }

        return changed >= 0;
    }

    /// <summary>Waits until the count of one of several counters differs from the one that was read last, without blocking a
    /// thread.</summary>
    /// <param name="counters">The counters, of any arrays.</param>
    /// <param name="lastSeen">The counts that were read last, in the same order. The changed one becomes the new count.</param>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The index of a counter that has changed: the first one in the list if several have before the wait.</returns>
    /// <remarks>It waits as <see cref="WaitAsync"/> does.</remarks>
    /// <inheritdoc cref="WaitAny"/>
    public static async ValueTask<int> WaitAnyAsync(
        IReadOnlyList<ChangeCounter> counters, Memory<uint> lastSeen, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(counters);
        ChangeCounter[] all = [.. counters];
        int changed = FindChanged(all, lastSeen.Span);
        if (changed < 0)
        {
            (changed, uint count) = await new AnyChange(all, lastSeen.Span).WaitAsync(cancellation).ConfigureAwait(false);
            lastSeen.Span[changed] = count;
        }

        return changed;
    }

    /// <summary>Waits until the count differs from the one that was read last, without blocking a thread.</summary>
    /// <param name="lastSeen">The count that was read last.</param>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The count.</returns>
    /// <remarks><para>Waiting threads of the library wait, as for <see cref="SharedLock.EnterAsync"/>. A read-only attachment or a private
    /// copy cannot be counted as a waiter, and reads the count every 5 ms instead.</para>
    /// <para>The <see cref="ValueTask{TResult}"/> can be awaited once.</para></remarks>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="InvalidOperationException">The array cannot get a control page, for the reason in the message.</exception>
    /// <exception cref="IOException">There is no space for the control page.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left for the wait.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached, before the wait or during it; noticed within 50 ms.</exception>
    public ValueTask<uint> WaitAsync(uint lastSeen, CancellationToken cancellation = default)
    {
        try
        {
            if (TryOnce(lastSeen, out Change change, out WaitPlace place))
            {
                return new ValueTask<uint>(change.Count);
            }

            ChangeWait wait = new(this, change, place, cancellation);
            Start(wait);
            return wait.Task;
        }
#pragma warning disable CA1031 // As from an asynchronous method, the task has it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return ValueTask.FromException<uint>(error);
        }
    }

    /// <summary>Waits for changes again and again, without blocking a thread: <c>await foreach</c>.</summary>
    /// <param name="lastSeen">The count that was read last.</param>
    /// <param name="cancellation">Ends the enumeration at once, by an exception.</param>
    /// <returns>The counts, each different from the one before. Changes between two of them are seen as one. The sequence has no
    /// end.</returns>
    /// <inheritdoc cref="WaitAsync"/>
    public async IAsyncEnumerable<uint> ReadAllAsync(uint lastSeen, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (true)
        {
            // A wait does not check the token if the next change is there.
            cancellation.ThrowIfCancellationRequested();
            lastSeen = await WaitAsync(lastSeen, cancellation).ConfigureAwait(false);
            yield return lastSeen;
        }
    }

    private static int FindChanged(ReadOnlySpan<ChangeCounter> counters, Span<uint> lastSeen)
    {
        if (counters.IsEmpty || counters.Length != lastSeen.Length || counters.Contains(null!))
        {
            throw new ArgumentException(
                "The list of counters is empty, contains null, or differs in length from the list of counts.", nameof(counters));
        }

        for (int i = 0; i < counters.Length; i++)
        {
            uint count = counters[i].Count;
            if (count != lastSeen[i])
            {
                lastSeen[i] = count;
                return i;
            }
        }

        return -1;
    }

    // True if the count differs. False if the rules have prepared a sleep; then the wait for it gets the reference to the page.
    private bool TryOnce(uint lastSeen, out Change change, out WaitPlace place)
    {
        using AttachedPage.Use use = Using();
        if (_page.IsWritable)
        {
            _page.Make();
        }

        change = new Change(this, lastSeen);
        if (WaitLoop.TryOnce(ref change, isCheckDue: true, SpinBudget.OfCaller(), out place))
        {
            return true;
        }

        use.HandOver();
        return false;
    }

    // A disposal checks the waits that it finds. A wait that comes later finds the disposal.
    private void Start(AsyncWait<Change> wait)
    {
        wait.Start();
        if (_isDetached)
        {
            CheckWaits();
        }
    }

    private sealed class ChangeWait(ChangeCounter counter, in Change change, in WaitPlace place, CancellationToken cancellation)
        : AsyncResult<Change, uint>(change, place, counter._page.Segment, cancellation)
    {
        protected override void Accept(in Change rules) => Result = rules.Count;
    }
}
