using System.Diagnostics.CodeAnalysis;
using PosixShm.Native;

namespace PosixShm.Synchronization;

/// <content>What happens when the lock is not free, or its owner is dead, or its memory is lost.</content>
internal sealed unsafe partial class AttachedLock
{
    // How often a waiter reads the word before it sleeps, each time after twice as long: a few microseconds in all. Few reads, because each takes the cache line
    // from the owner. Without yields: they hand the owner's processor to another waiter when there are more of them than processors.
    private static readonly int s_mostSpins = Environment.ProcessorCount > 1 ? 7 : 0;

    private bool EnterSlow(LockThread thread, long holder, int timeout, bool recovers, out bool wasAbandoned, CancellationToken cancellation)
    {
        wasAbandoned = false;
        if (Holder == holder)
        {
            _recursion = checked(_recursion + 1);
            return true;
        }

        using AttachedPage.Use use = _page.Using();
        if (!_page.IsWritable)
        {
            throw new InvalidOperationException($"'{_page.Name}' is attached to read only or as a private copy, and its locks cannot be entered that way.");
        }

        int owner = _table.Open(this);
        WaitTime time = new(timeout, cancellation);
        if (!TryAcquire(owner, ref time, recovers, out wasAbandoned))
        {
            return false;
        }

        int leaveAs = wasAbandoned ? LockWord.Abandoned : LockWord.Free;
        if (!TryHold(thread, holder))
        {
            // The array was disposed while this thread waited.
            _ = LeaveWord(owner, leaveAs);
            _page.ThrowIfDetached();
        }

        return *_lost == 0 || ThrowLost(leaveAs);
    }

    private bool TryHold(LockThread thread, long holder)
    {
        thread.BeginPassage(_tableId);
        bool isOpen = !IsClosed;
        if (isOpen)
        {
            SetHolder(thread, holder);
        }

        thread.EndPassage();
        return isOpen;
    }

    /// <summary>Acquires the word. False if the time ran out. An exception leaves it to others.</summary>
    private bool TryAcquire(int owner, ref WaitTime time, bool recovers, out bool wasAbandoned)
    {
        wasAbandoned = false;
        bool isAcquired = false;
        int acquired = owner;
        try
        {
            for (int spins = 0; !isAcquired;)
            {
                _page.ThrowIfLost();
                int seen = Volatile.Read(ref *_word);
                if (seen == LockWord.Free)
                {
                    isAcquired = TryChangeWord(seen, acquired);
                }
                else if (spins < s_mostSpins && !time.IsZero && LockWord.Owner(seen) != 0)
                {
                    Thread.SpinWait(1 << spins++);
                }
                else if (IsAbandoned(seen, ref time))
                {
                    isAcquired = wasAbandoned = TryTakeOver(acquired, seen, recovers);
                }
                else if (time.IsOver)
                {
                    return false;
                }
                else if (TrySleep(seen, time.NextSleep))
                {
                    // There may be other sleepers, and who woke this one cleared the bit.
                    acquired = owner | LockWord.Waiters;
                }
            }
        }
        finally
        {
            if (!isAcquired && acquired != owner)
            {
                // A wake-up that was meant for this waiter goes on to the next.
                _ = Interop.FutexWake(_word, 1);
            }
        }

        return true;
    }

    private bool TryChangeWord(int from, int to) => Interlocked.CompareExchange(ref *_word, to, from) == from;

    // To ask the kernel for a living owner is a system call: at first, and then by time.
    private bool IsAbandoned(int seen, ref WaitTime time)
    {
        bool isDue = time.IsCheckDue();
        if (isDue)
        {
            _page.ThrowIfDetached();
        }

        return LockWord.Owner(seen) == 0 || (isDue && !_table.Owners.IsAlive(LockWord.Owner(seen)));
    }

    private bool TrySleep(int seen, int milliseconds)
    {
        int asleep = seen | LockWord.Waiters;
        if (seen != asleep && !TryChangeWord(seen, asleep))
        {
            return false;
        }

        // Whatever ends the sleep, the word says what comes next.
        _ = Interop.FutexWait(_word, asleep, milliseconds);
        return true;
    }

    /// <summary>Acquires an abandoned lock for a recovery, or leaves it marked for everybody and throws. False if another was faster.</summary>
    private bool TryTakeOver(int acquired, int seen, bool recovers)
    {
        int next = recovers ? acquired | LockWord.Abandoned : LockWord.Abandoned;
        if (seen != next && !TryChangeWord(seen, next))
        {
            return false;
        }

        // A dead owner wakes nobody: all sleepers read the mark now.
        if ((seen & LockWord.Waiters) != 0)
        {
            _ = Interop.FutexWake(_word, int.MaxValue);
        }

        return recovers ? true : throw new AbandonedMutexException(
            $"The lock of '{_page.Name}' is abandoned: its owner died while it held it, and may have left the data half changed. Enter with EnterRecovery, repair, and call MarkConsistent.");
    }

    /// <summary>
    /// Releases the word, also where elements were lost: others may still wait for it. An error says that it does not name this attachment: then nothing was stored.
    /// </summary>
    private Exception? LeaveWord(int owner, int leaveAs)
    {
        int seen = Volatile.Read(ref *_word);
        while (LockWord.Owner(seen) == owner && !IsOverwritten)
        {
            if (TryChangeWord(seen, leaveAs))
            {
                if ((seen & LockWord.Waiters) != 0)
                {
                    _ = Interop.FutexWake(_word, leaveAs == LockWord.Free ? 1 : int.MaxValue);
                }

                return null;
            }

            seen = Volatile.Read(ref *_word);
        }

        return IsOverwritten
            ? SharedMemoryLostException.Of(_page.Name.Value)
            : new InvalidDataException($"The lock of '{_page.Name}' was overwritten by another process while it was held: nothing that it protects can be trusted.");
    }

    // The word may be in memory that nobody else sees.
    private bool ThrowLost(int leaveAs)
    {
        LockThread thread = LockThread.Current;
        thread.Held -= Holder == thread.Id ? 1 : 0;
        Leave(thread, leaveAs);
        throw SharedMemoryLostException.Of(_page.Name.Value);
    }

    private static void ThrowIfAny(Exception? error)
    {
        if (error is not null)
        {
            throw error;
        }
    }

    [DoesNotReturn]
    private void ThrowNotHeld()
        => throw new SynchronizationLockException($"The current thread does not hold the lock of '{_page.Name}'.");
}
