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
/// <see cref="RecoveryScope.MarkRepaired"/>. Nobody sees torn data unawares.
/// </para>
/// <para>
/// Waiting is fair enough and no more: a thread that comes just when the lock is left may be faster than one that waits. A holder's death is noticed by waiters within 50 ms.
/// Waiting uses <c>futex(2)</c>, times are by the monotonic clock, and a waiting thread does not hold up garbage collections.
/// </para>
/// </remarks>
public sealed unsafe partial class SharedLock
{
    private readonly LockTable _table;
    private readonly int* _word;
    private readonly int* _lost;

    // This attachment's owner value; 0 until it has one, and again when it is detached.
    private int _me;

    // Which thread of this attachment holds the lock (its managed id), or which asynchronous entry (a negative number); 0: none.
    private int _holder;
    private int _recursion;
    private bool _keepsMemory;

    internal SharedLock(LockTable table, int index, int* word)
    {
        _table = table;
        _word = word;
        _lost = table.Segment.Lost;
        Index = index;
    }

    /// <summary>Gets which of the array's locks this is, from 0.</summary>
    public int Index { get; }

    /// <summary>Gets whether the calling thread holds the lock, through this attachment.</summary>
    public bool IsHeldByCurrentThread => Volatile.Read(ref _holder) == Environment.CurrentManagedThreadId;

    /// <summary>Gets what the lock is at this moment.</summary>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedLockState State
    {
        get
        {
            ObjectDisposedException.ThrowIf(_table.IsDetached, typeof(SharedArray));
            int word = Volatile.Read(ref *_word);
            return word == LockWord.Free ? SharedLockState.Free
                : LockWord.Owner(word) != 0 && _table.Owners.IsAlive(LockWord.Owner(word)) ? SharedLockState.Held
                : SharedLockState.Abandoned;
        }
    }

    /// <summary>Gets the slot of the attachment that holds the lock, or that died with it; 0 if there is none.</summary>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public int OwnerSlot
    {
        get
        {
            ObjectDisposedException.ThrowIf(_table.IsDetached, typeof(SharedArray));
            return LockWord.Slot(LockWord.Owner(Volatile.Read(ref *_word)));
        }
    }

    /// <summary>Enters, and leaves at the end of the scope.</summary>
    /// <returns>The scope, for <c>using</c>. It cannot cross an <c>await</c>; for that see <see cref="EnterAsync"/>.</returns>
    /// <inheritdoc cref="Enter"/>
    public Scope EnterScope()
    {
        Enter();
        return new Scope(this);
    }

    /// <summary>Waits until the lock is free, and takes it.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <exception cref="AbandonedMutexException">A holder died. The lock is not held; see <see cref="EnterRecovery"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="InvalidOperationException">The array is attached to read only, or as a private copy.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone.</exception>
    /// <exception cref="IOException">448 attachments use the array's locks already.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void Enter(CancellationToken cancellation = default)
    {
        if (!TryEnterFast(Environment.CurrentManagedThreadId))
        {
            _ = EnterSlow(Environment.CurrentManagedThreadId, Timeout.Infinite, recovers: false, out _, cancellation);
        }
    }

    /// <summary>Takes the lock if it is free.</summary>
    /// <returns>Whether it is held now.</returns>
    /// <inheritdoc cref="Enter"/>
    public bool TryEnter() => TryEnter(TimeSpan.Zero);

    /// <summary>Waits until the lock is free, and takes it, but not longer than a time.</summary>
    /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or longer than <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <inheritdoc cref="Enter"/>
    public bool TryEnter(TimeSpan timeout, CancellationToken cancellation = default)
    {
        int milliseconds = Milliseconds.Of(timeout, nameof(timeout));
        return TryEnterFast(Environment.CurrentManagedThreadId)
            || EnterSlow(Environment.CurrentManagedThreadId, milliseconds, recovers: false, out _, cancellation);
    }

    /// <summary>Enters whether the lock is abandoned or not, to repair what its dead holder left.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>The scope, for <c>using</c>: look at <see cref="RecoveryScope.WasAbandoned"/>, repair, and call <see cref="RecoveryScope.MarkRepaired"/>.</returns>
    /// <exception cref="LockRecursionException">The calling thread holds the lock already.</exception>
    /// <inheritdoc cref="Enter"/>
    public RecoveryScope EnterRecovery(CancellationToken cancellation = default)
    {
        if (IsHeldByCurrentThread)
        {
            throw new LockRecursionException($"This thread holds the lock of '{_table.Name}' already: it is not abandoned.");
        }

        _ = EnterSlow(Environment.CurrentManagedThreadId, Timeout.Infinite, recovers: true, out bool wasAbandoned, cancellation);
        return new RecoveryScope(this, wasAbandoned);
    }

    /// <summary>Leaves the lock, once for each time that the calling thread entered.</summary>
    /// <exception cref="SynchronizationLockException">The calling thread does not hold it.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the lock while it was held.</exception>
    public void Exit() => Exit(Environment.CurrentManagedThreadId, LockWord.Free);

    /// <summary>Finds the process that holds the lock, by looking through <c>/proc</c>.</summary>
    /// <returns>Its id, as this process's PID namespace has it; null if the lock is not held, or the process is in another namespace or of another user.</returns>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public int? FindOwnerProcess() => State == SharedLockState.Held ? LockOwnerSearch.FindProcess(_table.Segment, OwnerSlot) : null;

    internal void Exit(int holder, int leaveAs)
    {
        if (holder != _holder)
        {
            throw new SynchronizationLockException($"The lock of '{_table.Name}' is not held by who wants to leave it.");
        }

        if (_recursion > 0)
        {
            _recursion--;
            return;
        }

        _holder = 0;
        if (Interlocked.CompareExchange(ref *_word, leaveAs, _me) != _me)
        {
            ExitSlow(leaveAs);
        }

        if (_keepsMemory)
        {
            LetMemoryGo();
        }
    }

    /// <summary>Called when the array is disposed: whoever holds the lock may still leave it.</summary>
    internal void Detach()
    {
        // By the word, not by the holder, which one who is just leaving has cleared already.
        if (_me != 0 && LockWord.Owner(Volatile.Read(ref *_word)) == _me && _table.Segment.TryAddReference())
        {
            _keepsMemory = true;
        }
        else
        {
            _me = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterFast(int holder)
    {
        int me = _me;
        if (me == 0 || Interlocked.CompareExchange(ref *_word, me, LockWord.Free) != LockWord.Free)
        {
            return false;
        }

        _holder = holder;
        return *_lost == 0 || ThrowLost(holder, LockWord.Free);
    }

    /// <summary>A scope in which the lock is held.</summary>
    public readonly ref struct Scope : IDisposable
    {
        private readonly SharedLock? _lock;

        internal Scope(SharedLock entered) => _lock = entered;

        /// <inheritdoc cref="Exit()"/>
        public void Dispose() => _lock?.Exit();
    }

    /// <summary>A scope in which the lock is held to repair what it protects.</summary>
    public ref struct RecoveryScope : IDisposable
    {
        private readonly SharedLock? _lock;
        private bool _isRepaired;

        internal RecoveryScope(SharedLock entered, bool wasAbandoned)
        {
            _lock = entered;
            WasAbandoned = wasAbandoned;
        }

        /// <summary>Gets whether a holder had died; if not, the lock was simply entered.</summary>
        public bool WasAbandoned { get; }

        /// <summary>Says that the data is whole again. Without it, the lock stays abandoned when the scope ends, as it does if the repair throws.</summary>
        public void MarkRepaired() => _isRepaired = true;

        /// <inheritdoc cref="Exit()"/>
        public readonly void Dispose()
            => _lock?.Exit(Environment.CurrentManagedThreadId, WasAbandoned && !_isRepaired ? LockWord.Abandoned : LockWord.Free);
    }
}
