using System.Diagnostics.CodeAnalysis;
using PosixShm.Native;

namespace PosixShm.Synchronization;

/// <content>A lock that is not free, whose owner is dead, or whose memory is lost.</content>
internal sealed unsafe partial class AttachedLock
{
    private bool EnterSlow(
        LockThread thread, long holder, int timeout, bool recovers, out bool wasAbandoned, CancellationToken cancellation)
    {
        wasAbandoned = false;
        if (Holder == holder)
        {
            _recursion = checked(_recursion + 1);
            return true;
        }

        using AttachedPage.Use use = _page.Using();
        LockEntry entry = BeginEntry(recovers, out int owner);
        WaitTime time = new(timeout, cancellation);
        if (!WaitLoop.Run(ref entry, ref time))
        {
            return false;
        }

        wasAbandoned = entry.WasAbandoned;
        int leaveAs = wasAbandoned ? LockWord.Abandoned : LockWord.Free;
        if (!TryHold(thread, holder))
        {
            // The array was disposed while this thread waited.
            _ = LeaveWord(owner, leaveAs);
            _page.ThrowIfDetached();
        }

        return *_lost == 0 || ThrowLost(leaveAs);
    }

    private LockEntry BeginEntry(bool recovers, out int owner)
    {
        if (!_page.IsWritable)
        {
            throw new InvalidOperationException(
                $"'{_page.Name}' is attached to read only or as a private copy, and its locks cannot be entered that way.");
        }

        owner = _table.Open(this);
        return new LockEntry(_page, _table.Owners, _word, owner, recovers);
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

    //  docs/FORMAT.md, "Locks", Leaving. Invariant: only the owner releases its lock. So a word with another owner stores nothing: another
    //  program wrote to it, and the data cannot be trusted. The release is a compare-exchange, because a waiter may set WAITERS after the
    //  load. The wake-up comes after it: a waiter that is woken before (WAKES_FIRST in docs/model/lock.pml) finds the lock held and sleeps
    //  again.
    /// <summary>Releases the word, also if elements were lost. Returns an error if the word names another owner.</summary>
    private Exception? LeaveWord(int owner, int leaveAs)
    {
        int seen = Volatile.Read(ref *_word);
        while (LockWord.Owner(seen) == owner && !IsOverwritten)
        {
            if (LockWord.TryChange(_word, seen, leaveAs))
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
            : new InvalidDataException(
                $"The lock of '{_page.Name}' was overwritten by another process while it was held: its data cannot be trusted.");
    }

    // The zeros that replace lost memory belong to this process alone, and so does a lock word in them.
    private bool ThrowLost(int leaveAs)
    {
        LockThread thread = LockThread.Current;
        thread.Held -= Holder == thread.Id ? 1 : 0;
        Leave(thread, Holder, leaveAs);
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
