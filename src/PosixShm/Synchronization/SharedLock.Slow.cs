using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <content>What happens when the lock is not free, or its holder is dead, or its memory is gone.</content>
public sealed unsafe partial class SharedLock
{
    // How long a waiter sleeps before it looks whether the owner is still alive: nobody wakes it when the owner dies.
    private const int LookAfterMilliseconds = 50;

    // How often a waiter looks before it sleeps, each time after twice as long: a few microseconds in all. Few looks, because each takes the cache line
    // from the owner. Without yields: they hand the owner's processor to another waiter when there are more of them than processors.
    private static readonly int s_mostLooks = Environment.ProcessorCount > 1 ? 7 : 0;

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
        int looked = 0;

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

            if (looked < s_mostLooks && timeout != 0 && LockWord.Owner(seen) != 0)
            {
                Thread.SpinWait(1 << looked++);
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
}
