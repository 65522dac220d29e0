using System.Runtime.CompilerServices;

namespace PosixShm.Synchronization;

/// <summary>
/// A mutual-exclusion lock in an array's own memory, for all threads of all processes that attach the array. It survives the death of its holder.
/// </summary>
/// <remarks>
/// <para>
/// <c>using (array.Lock.EnterScope()) { ... }</c>. The thread that entered must leave, and may enter again before it does, as with <see cref="Monitor"/>; two attachments of one array
/// exclude each other even in one thread. Entering and leaving a lock that nobody else wants is one atomic operation each, without a system call.
/// </para>
/// <para>
/// If a holder dies without leaving, what it was about to change may be half changed. The lock is then <i>abandoned</i>: everybody who enters gets an
/// <see cref="AbandonedMutexException"/> and does not hold the lock, until somebody enters with <see cref="EnterRecovery"/>, repairs the data, and says so with
/// <see cref="RecoveryScope.MarkConsistent"/>. Nobody sees torn data unawares.
/// </para>
/// <para>
/// The lock is unfair: a thread that arrives as the lock is left may enter it ahead of a waiter. Waiters notice a holder's death within 50 ms. A thread that ends inside the lock counts as
/// a dead holder: waiters of its process notice it within 50 ms, those of other processes within a second.
/// Waiting uses <c>futex(2)</c>, times are by the monotonic clock, and a waiting thread does not hold up garbage collections.
/// </para>
/// <para>
/// This is a handle, not the lock: copies of it are equal and mean one lock of one attachment. C#'s <c>lock</c> statement and F#'s <c>lock</c> function, which would exclude no other process, refuse it.
/// The default value belongs to no array, and all its members throw an <see cref="InvalidOperationException"/>.
/// </para>
/// </remarks>
public readonly struct SharedLock : IEquatable<SharedLock>
{
    private readonly AttachedLock? _lock;

    internal SharedLock(AttachedLock attached) => _lock = attached;

    /// <summary>Gets which of the array's locks this is, from 0.</summary>
    public int Index => Attached.Index;

    /// <summary>Gets whether the calling thread holds the lock, through this attachment.</summary>
    public bool IsHeldByCurrentThread => Attached is AttachedLock attached && LockThread.CurrentOrNull is LockThread thread && attached.Holder == thread.Id;

    /// <summary>Gets what the lock is at this moment.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone, or another program saved over its file.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedLockState State => Attached.Read().State;

    /// <summary>Gets the slot of the attachment that holds the lock, or that died with it; 0 if there is none.</summary>
    /// <inheritdoc cref="State"/>
    public int OwnerSlot => Attached.Read().OwnerSlot;

    private AttachedLock Attached => _lock ?? throw new InvalidOperationException("This lock is no array's: it is the default value of SharedLock. Use the Lock or Locks property of an array.");

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

    /// <summary>Enters, and leaves at the end of the scope.</summary>
    /// <returns>The scope, for <c>using</c>. It cannot cross an <c>await</c>; for that see <see cref="EnterAsync"/>.</returns>
    /// <inheritdoc cref="Enter"/>
    public Scope EnterScope()
    {
        AttachedLock attached = Attached;
        _ = attached.Enter(Timeout.Infinite, CancellationToken.None);
        return new Scope(attached);
    }

    /// <summary>Waits until the lock is free, and takes it.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <exception cref="AbandonedMutexException">A holder died. The lock is not held; see <see cref="EnterRecovery"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted while it waited, or before; noticed within 50 ms.</exception>
    /// <exception cref="InvalidOperationException">The array is attached to read only, or as a private copy; or this is no array's lock.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone, or another program saved over its file.</exception>
    /// <exception cref="IOException">448 attachments use the array's locks already, or there is no space for the control page.</exception>
    /// <exception cref="InsufficientMemoryException">The calling thread never used a lock, and there is no memory or thread left to notice its end.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void Enter(CancellationToken cancellation = default) => _ = Attached.Enter(Timeout.Infinite, cancellation);

    /// <summary>Takes the lock if it is free.</summary>
    /// <returns>Whether it is held now.</returns>
    /// <inheritdoc cref="Enter"/>
    public bool TryEnter() => Attached.Enter(0, CancellationToken.None);

    /// <summary>Waits until the lock is free, and takes it, but not longer than a time.</summary>
    /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or longer than <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <inheritdoc cref="Enter"/>
    public bool TryEnter(TimeSpan timeout, CancellationToken cancellation = default)
        => Attached.Enter(TimeLimit.InMilliseconds(timeout, nameof(timeout)), cancellation);

    /// <summary>Enters whether the lock is abandoned or not, to repair what its dead holder left.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>The scope, for <c>using</c>: look at <see cref="RecoveryScope.WasAbandoned"/>, repair, and call <see cref="RecoveryScope.MarkConsistent"/>.</returns>
    /// <exception cref="LockRecursionException">The calling thread holds the lock already.</exception>
    /// <inheritdoc cref="Enter"/>
    public RecoveryScope EnterRecovery(CancellationToken cancellation = default)
    {
        AttachedLock attached = Attached;
        return IsHeldByCurrentThread
            ? throw new LockRecursionException($"The current thread holds the lock of '{attached.Page.Name}' already: it is not abandoned.")
            : new RecoveryScope(attached, attached.EnterRecovery(cancellation));
    }

    /// <summary>Waits until the lock is free, and takes it, without blocking the calling thread.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>
    /// What leaves the lock when it is disposed, on whatever thread. The entry belongs to no thread: it is not
    /// <see cref="IsHeldByCurrentThread"/>, and entering again before leaving waits for ever.
    /// </returns>
    /// <remarks>If the lock is not free, a thread of its own waits for it, for one asynchronous entry of this attachment after the other.</remarks>
    /// <inheritdoc cref="Enter"/>
    public async ValueTask<SharedLockReleaser> EnterAsync(CancellationToken cancellation = default)
    {
        AttachedLock attached = Attached;
        await attached.EnterAsync(cancellation).ConfigureAwait(false);
        return new SharedLockReleaser(attached);
    }

    /// <summary>Leaves the lock, once for each time that the calling thread entered.</summary>
    /// <exception cref="SynchronizationLockException">The calling thread does not hold it.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone, or another program saved over its file.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the lock while it was held.</exception>
    public void Exit() => Attached.Exit(LockWord.Free);

    /// <summary>Finds the process that holds the lock, by looking through <c>/proc</c>.</summary>
    /// <returns>Its id, as this process's PID namespace has it; null if the lock is not held, or the process is in another namespace or of another user.</returns>
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

    /// <summary>A scope in which the lock is held to repair what it protects.</summary>
    public ref struct RecoveryScope : IDisposable
    {
        private readonly AttachedLock? _lock;
        private bool _isRepaired;

        internal RecoveryScope(AttachedLock entered, bool wasAbandoned)
        {
            _lock = entered;
            WasAbandoned = wasAbandoned;
        }

        /// <summary>Gets whether a holder had died; if not, the lock was simply entered.</summary>
        public bool WasAbandoned { get; }

        /// <summary>Says that the data is whole again. Without it, the lock stays abandoned when the scope ends, as it does if the repair throws.</summary>
        public void MarkConsistent() => _isRepaired = true;

        /// <inheritdoc cref="Exit()"/>
        public readonly void Dispose() => _lock?.Exit(WasAbandoned && !_isRepaired ? LockWord.Abandoned : LockWord.Free);
    }
}
