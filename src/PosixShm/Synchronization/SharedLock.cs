using System.Runtime.CompilerServices;
using PosixShm.Native;
using PosixShm.Segments;

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
    // How long a waiter sleeps before it looks whether the owner is still alive: nobody wakes it when the owner dies.
    private const int LookAfterMilliseconds = 50;

    // A microsecond or two. Without yields: they hand the owner's processor to another waiter when there are more of them than processors.
    private static readonly int s_spins = Environment.ProcessorCount > 1 ? 50 : 0;

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

    private bool EnterSlow(int holder, int timeout, bool recovers, out bool wasAbandoned, CancellationToken cancellation)
    {
        wasAbandoned = false;
        if (Volatile.Read(ref _holder) == holder)
        {
            _recursion = checked(_recursion + 1);
            return true;
        }

        ObjectDisposedException.ThrowIf(_table.IsDetached || !_table.Segment.TryAddReference(), typeof(SharedArray));

        try
        {
            if (_table.Segment.Access != SegmentAccess.ReadWrite)
            {
                throw new InvalidOperationException($"'{_table.Name}' is attached to read only or as a private copy, and its locks cannot be entered that way.");
            }

            int me = _table.Owners.Identity;
            _me = me;
            if (!Acquire(me, timeout, recovers, out wasAbandoned, cancellation))
            {
                return false;
            }

            _holder = holder;
            if (_table.IsDetached)
            {
                LeaveDetached(me, wasAbandoned ? LockWord.Abandoned : LockWord.Free);
            }

            return *_lost == 0 || ThrowLost(holder, wasAbandoned ? LockWord.Abandoned : LockWord.Free);
        }
        finally
        {
            _table.Segment.Release();
        }
    }

    private bool Acquire(int me, int timeout, bool recovers, out bool wasAbandoned, CancellationToken cancellation)
    {
        long start = Environment.TickCount64;

        // After a sleep the lock is taken with WAITERS set: there may be others who sleep, and whoever woke us took the bit away.
        int mine = me;
        int spins = s_spins;

        // Whether the owner is alive costs a system call: asked once, and again after each sleep that nobody ended.
        bool looks = true;
        while (true)
        {
            int seen = Volatile.Read(ref *_word);
            if (seen == LockWord.Free)
            {
                if (Interlocked.CompareExchange(ref *_word, mine, LockWord.Free) == LockWord.Free)
                {
                    wasAbandoned = false;
                    return true;
                }

                continue;
            }

            if (spins > 0 && timeout != 0 && LockWord.Owner(seen) != 0)
            {
                spins--;
                Thread.SpinWait(1);
                continue;
            }

            if ((looks || LockWord.Owner(seen) == 0) && !_table.Owners.IsAlive(LockWord.Owner(seen)))
            {
                if (TakeOverFromTheDead(me, seen, recovers))
                {
                    wasAbandoned = true;
                    return true;
                }

                continue;
            }

            if (cancellation.IsCancellationRequested)
            {
                GiveUp(mine);
                cancellation.ThrowIfCancellationRequested();
            }

            ObjectDisposedException.ThrowIf(_table.IsDetached, typeof(SharedArray));
            long left = timeout < 0 ? LookAfterMilliseconds : timeout - (Environment.TickCount64 - start);
            if (left <= 0)
            {
                GiveUp(mine);
                wasAbandoned = false;
                return false;
            }

            int asleep = seen | LockWord.Waiters;
            if (seen == asleep || Interlocked.CompareExchange(ref *_word, asleep, seen) == seen)
            {
                // Whatever ends the sleep, the word says what to do.
                looks = Interop.FutexWait(_word, asleep, (int)Math.Min(left, LookAfterMilliseconds)) < 0 && Interop.LastError == Interop.Error.ETIMEDOUT;
                mine = me | LockWord.Waiters;
            }
        }
    }

    /// <summary>Takes an abandoned lock for a recovery, or leaves it marked for everybody and throws; false if another was faster.</summary>
    private bool TakeOverFromTheDead(int me, int seen, bool recovers)
    {
        int next = recovers ? me | LockWord.Abandoned : LockWord.Abandoned;
        if (seen != next && Interlocked.CompareExchange(ref *_word, next, seen) != seen)
        {
            return false;
        }

        // The dead one wakes nobody; whoever sleeps learns it now.
        if ((seen & LockWord.Waiters) != 0)
        {
            _ = Interop.FutexWake(_word, int.MaxValue);
        }

        return recovers ? true : throw new AbandonedMutexException(
            $"The lock of '{_table.Name}' is abandoned: a process died while it held it, and may have left the data half changed. Enter with EnterRecovery, repair, and call MarkRepaired.");
    }

    private void ExitSlow(int leaveAs)
    {
        int seen = Volatile.Read(ref *_word);
        while (LockWord.Owner(seen) == _me)
        {
            int before = Interlocked.CompareExchange(ref *_word, leaveAs, seen);
            if (before == seen)
            {
                if ((seen & LockWord.Waiters) != 0)
                {
                    _ = Interop.FutexWake(_word, leaveAs == LockWord.Free ? 1 : int.MaxValue);
                }

                return;
            }

            seen = before;
        }

        // Whoever detached the array meanwhile left the memory to this exit.
        if (_keepsMemory)
        {
            LetMemoryGo();
        }

        if (*_lost != 0)
        {
            throw SharedMemoryLostException.Of(_table.Name.Value);
        }

        throw new InvalidDataException($"The lock of '{_table.Name}' was overwritten by another process while it was held: nothing it protects can be trusted.");
    }

    // The word may be in memory that nobody else sees.
    private bool ThrowLost(int holder, int leaveAs)
    {
        Exit(holder, leaveAs);
        throw SharedMemoryLostException.Of(_table.Name.Value);
    }

    // A wake-up that was meant for one who gives up goes on to the next.
    private void GiveUp(int mine)
    {
        if ((mine & LockWord.Waiters) != 0)
        {
            _ = Interop.FutexWake(_word, 1);
        }
    }

    // The array was disposed while this thread waited, and nobody would leave the lock.
    private void LeaveDetached(int me, int leaveAs)
    {
        _holder = 0;
        int seen = Volatile.Read(ref *_word);
        while (LockWord.Owner(seen) == me)
        {
            int before = Interlocked.CompareExchange(ref *_word, leaveAs, seen);
            if (before == seen)
            {
                _ = Interop.FutexWake(_word, 1);
                break;
            }

            seen = before;
        }

        if (_keepsMemory)
        {
            LetMemoryGo();
        }

        throw new ObjectDisposedException(typeof(SharedArray).FullName);
    }

    private void LetMemoryGo()
    {
        _keepsMemory = false;
        _me = 0;
        _table.Segment.Release();
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
