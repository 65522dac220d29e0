using System.Runtime.CompilerServices;

namespace PosixShm.Synchronization;

/// <summary>A mutual-exclusion lock in an array's own memory, for all threads of all processes. It survives its holder's death.</summary>
/// <remarks><para><c>using (array.Lock.EnterScope()) { ... }</c>. The thread that entered must exit, and may enter again before it does, as
/// with <see cref="Monitor"/>. Two attachments of one array exclude each other even in one thread. If no other thread competes, entering
/// and exiting is one atomic operation each, without a system call.</para>
/// <para>A holder that dies inside the lock may leave a change of the data half done. The lock is then <i>abandoned</i>: every caller that
/// enters gets an <see cref="AbandonedMutexException"/> and does not hold the lock. That ends when a caller enters with
/// <see cref="EnterRecovery"/>, repairs the data, and calls <see cref="RecoveryScope.MarkConsistent"/>. So no reader gets torn data without
/// notice.</para>
/// <para>The lock is unfair: a thread that arrives as the lock is released may enter it ahead of a waiter. Waiters notice a holder's death
/// within 50 ms. A thread that ends inside the lock counts as a dead holder: waiters of its process notice it within 50 ms, those of other
/// processes within a second. Waiting uses <c>futex(2)</c>, times are by the monotonic clock, and a waiting thread does not block garbage
/// collections.</para>
/// <para>This is a handle, not the lock: copies of it are equal and mean one lock of one attachment. C#'s <c>lock</c> statement and F#'s
/// <c>lock</c> function refuse it, because they would exclude no other process. The default value belongs to no array, and all its members
/// throw an <see cref="InvalidOperationException"/>.</para></remarks>
public readonly struct SharedLock : IEquatable<SharedLock>
{
    private readonly AttachedLock? _lock;

    internal SharedLock(AttachedLock attached) => _lock = attached;

    /// <summary>Gets the index of this lock among the array's locks, from 0.</summary>
    public int Index => Attached.Index;

    /// <summary>Gets whether the calling thread holds the lock, through this attachment.</summary>
    public bool IsHeldByCurrentThread
        => Attached is AttachedLock attached && LockThread.CurrentOrNull is LockThread thread && attached.Holder == thread.Id;

    /// <summary>Gets the state of the lock at this moment.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedLockState State => Attached.Read().State;

    /// <summary>Gets the slot of the attachment that holds the lock, or that died inside it; 0 if the lock has no owner.</summary>
    /// <inheritdoc cref="State"/>
    public int OwnerSlot => Attached.Read().OwnerSlot;

    private AttachedLock Attached
        => _lock ?? throw new InvalidOperationException(
            "This lock belongs to no array: it is the default value of SharedLock. Use the Lock or Locks property of an array.");

    /// <summary>Compares two handles.</summary>
    /// <param name="left">The one.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they mean one lock of one attachment.</returns>
    public static bool operator ==(SharedLock left, SharedLock right) => left.Equals(right);

    /// <inheritdoc cref="op_Equality"/>
    /// <returns>Whether they mean different locks, or one lock of different attachments.</returns>
    public static bool operator !=(SharedLock left, SharedLock right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(SharedLock other) => ReferenceEquals(_lock, other._lock);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SharedLock other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(_lock);

    /// <summary>Enters, and exits at the end of the scope.</summary>
    /// <returns>The scope, for <c>using</c>. It cannot cross an <c>await</c>; for that see <see cref="EnterAsync"/>.</returns>
    /// <inheritdoc cref="Enter"/>
    public Scope EnterScope()
    {
        AttachedLock attached = Attached;
        _ = attached.Enter(Timeout.Infinite, CancellationToken.None);
        return new Scope(attached);
    }

    /// <summary>Waits until the lock is free, and acquires it.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <exception cref="AbandonedMutexException">A holder died. The lock is not held; see <see cref="EnterRecovery"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted, also before the wait; noticed within 50 ms.</exception>
    /// <exception cref="InvalidOperationException">The array is read-only or a private copy, or this is the default value.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="IOException">448 attachments already use the array's locks, or there is no space for the control page.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left to watch the calling thread.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void Enter(CancellationToken cancellation = default) => _ = Attached.Enter(Timeout.Infinite, cancellation);

    /// <summary>Acquires the lock if it is free.</summary>
    /// <returns>Whether the lock is held now.</returns>
    /// <inheritdoc cref="Enter"/>
    public bool TryEnter() => Attached.Enter(0, CancellationToken.None);

    /// <summary>Waits until the lock is free, and acquires it, up to a time limit.</summary>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <inheritdoc cref="Enter"/>
    public bool TryEnter(TimeSpan timeout, CancellationToken cancellation = default)
        => Attached.Enter(TimeLimit.InMilliseconds(timeout, nameof(timeout)), cancellation);

    /// <summary>Enters, whether the lock is abandoned or not, to repair the data of a holder that died.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>The scope, for <c>using</c>: check <see cref="RecoveryScope.WasAbandoned"/>, repair, and call
    /// <see cref="RecoveryScope.MarkConsistent"/>.</returns>
    /// <exception cref="LockRecursionException">The calling thread already holds the lock.</exception>
    /// <inheritdoc cref="Enter"/>
    public RecoveryScope EnterRecovery(CancellationToken cancellation = default)
    {
        AttachedLock attached = Attached;
        return IsHeldByCurrentThread
            ? throw new LockRecursionException(
                $"The current thread already holds the lock of '{attached.Page.Name}', which is not abandoned.")
            : new RecoveryScope(attached, attached.EnterRecovery(cancellation));
    }

    /// <summary>Waits until the lock is free, and acquires it, without blocking a thread.</summary>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The entry, which exits when it is disposed, on any thread. It belongs to no thread: <see cref="IsHeldByCurrentThread"/> is
    /// false, and an entry inside it waits for ever.</returns>
    /// <remarks><para>If the lock is free, the task is complete at once. If it is not, waiting threads of the library wait: one for each
    /// 127 locks and counts of changes of the process (<c>futex_waitv(2)</c>), however many callers wait for each, and none without waits.
    /// The entries of an attachment wait in turn. Without the call (Linux before 5.16, or a filter of system calls), one thread checks
    /// all of them every 5 ms.</para>
    /// <para>The <see cref="ValueTask{TResult}"/> can be awaited once.</para></remarks>
    /// <exception cref="AbandonedMutexException">A holder died. The lock is not held; see <see cref="EnterRecoveryAsync"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="InvalidOperationException">The array is read-only or a private copy, or this is the default value.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="IOException">448 attachments already use the array's locks, or there is no space for the control page.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left for the wait.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached, before the wait or during it; noticed within 50 ms.</exception>
    public ValueTask<SharedLockReleaser> EnterAsync(CancellationToken cancellation = default)
    {
        if (cancellation.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<SharedLockReleaser>(cancellation);
        }

        try
        {
            return Attached.EnterAsync(recovers: false, cancellation);
        }
#pragma warning disable CA1031 // As from an asynchronous method, the task has it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return ValueTask.FromException<SharedLockReleaser>(error);
        }
    }

    /// <summary>Enters, whether the lock is abandoned or not, to repair the data of a holder that died, without blocking a
    /// thread.</summary>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The entry, which exits when it is disposed, on any thread: check <see cref="SharedLockRecovery.WasAbandoned"/>, repair, and
    /// call <see cref="SharedLockRecovery.MarkConsistent"/>.</returns>
    /// <remarks>It waits as <see cref="EnterAsync"/> does.</remarks>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="InvalidOperationException">The array is read-only or a private copy, or this is the default value.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="IOException">448 attachments already use the array's locks, or there is no space for the control page.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left for the wait.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached, before the wait or during it; noticed within 50 ms.</exception>
    public async ValueTask<SharedLockRecovery> EnterRecoveryAsync(CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        return new(await Attached.EnterAsync(recovers: true, cancellation).ConfigureAwait(false));
    }

    /// <summary>Exits the lock. A thread that entered several times exits as often.</summary>
    /// <exception cref="SynchronizationLockException">The calling thread does not hold the lock.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the lock while it was held.</exception>
    public void Exit() => Attached.Exit(LockWord.Free);

    /// <summary>Finds the process that holds the lock, by a search of <c>/proc</c>.</summary>
    /// <returns>Its id in this process's PID namespace; null if the lock is not held, or if the process is not visible.</returns>
    /// <inheritdoc cref="State"/>
    public int? FindOwnerProcess()
    {
        using AttachedPage.Use use = Attached.Page.Using();
        return Attached.Read() is (SharedLockState.Held, int slot) ? LockOwnerSearch.FindProcess(Attached.Page.Segment, slot) : null;
    }

    /// <summary>A scope in which the lock is held.</summary>
    public readonly ref struct Scope : IDisposable
    {
        private readonly AttachedLock? _lock;

        internal Scope(AttachedLock entered) => _lock = entered;

        /// <inheritdoc cref="Exit()"/>
        public void Dispose() => _lock?.Exit(LockWord.Free);
    }

    /// <summary>A scope in which the lock is held to repair the data that it protects.</summary>
    public ref struct RecoveryScope : IDisposable
    {
        private readonly AttachedLock? _lock;
        private bool _isRepaired;

        internal RecoveryScope(AttachedLock entered, bool wasAbandoned)
        {
            _lock = entered;
            WasAbandoned = wasAbandoned;
        }

        /// <summary>Gets whether a holder had died. If not, this is an ordinary entry.</summary>
        public bool WasAbandoned { get; }

        /// <summary>Marks the data as repaired. Without this call, the lock stays abandoned when the scope ends.</summary>
        public void MarkConsistent() => _isRepaired = true;

        /// <inheritdoc cref="Exit()"/>
        public readonly void Dispose() => _lock?.Exit(WasAbandoned && !_isRepaired ? LockWord.Abandoned : LockWord.Free);
    }
}
