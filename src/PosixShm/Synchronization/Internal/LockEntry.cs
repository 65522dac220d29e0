using PosixShm.Native;

namespace PosixShm.Synchronization;

/// <summary>The rules of one entry into a mutual-exclusion lock: the steps Entering and Giving up of docs/FORMAT.md, "Locks".</summary>
/// <remarks>docs/model/lock.pml is the model of these steps. The paragraphs name its wrong variants, which show what breaks them.</remarks>
/// <param name="page">The page of the lock.</param>
/// <param name="owners">The attachments that use the page's locks.</param>
/// <param name="word">The lock's word.</param>
/// <param name="owner">This attachment's owner value.</param>
/// <param name="recovers">Whether the caller acquires an abandoned lock, to repair the data.</param>
internal unsafe struct LockEntry(AttachedPage page, LockOwners owners, int* word, int owner, bool recovers) : IWaitRules
{
    private bool _hasSlept;

    // The value to store.
    private readonly int Acquired => _hasSlept ? owner | LockWord.Waiters : owner;

    /// <summary>Gets whether the lock was acquired from an owner that died.</summary>
    public bool WasAbandoned { get; private set; }

    // Probe (Entering, 1). Invariant: the lock has one owner at a time. Every program keeps it: only a compare-exchange stores an owner,
    // here in place of "free". After a sleep the value has WAITERS: the process that woke this waiter cleared the bit for all sleepers, and
    // the next release must wake another one (DROPS_WAITERS). The page is checked before every store: if a program saved over the file,
    // these four bytes are an element.
    public readonly WaitStep Probe(out int seen)
    {
        page.ThrowIfLost();
        seen = Volatile.Read(ref *word);
        if (seen != LockWord.Free)
        {
            return WaitStep.Wait;
        }

        return LockWord.TryChange(word, seen, Acquired) ? WaitStep.Done : WaitStep.Retry;
    }

    //  Spin. Invariant: a spin stores nothing. It helps if an owner releases soon. An abandoned word does not change by itself.
    public readonly bool CanSpin(int seen) => LockWord.Owner(seen) != 0;

    //  Check (Entering, 2). Invariant: only a dead owner loses its lock. The kernel keeps it: the owner's byte lock ends with its
    //  descriptor, and a slot that is used again has another generation (NO_GENERATION). Our own owner value is alive without a query,
    //  because the kernel reports no lock of our own descriptor. The query is a system call, so it is made only if due.
    public WaitStep Check(int seen, bool isDue)
    {
        if (isDue)
        {
            page.ThrowIfDetached();
        }

        int named = LockWord.Owner(seen);
        bool isAbandoned = named == 0 || (isDue && !(_hasSlept ? owners.WasAlive(named) : owners.IsAlive(named)));
        return isAbandoned ? TakeOver(seen) : WaitStep.Wait;
    }

    //  Takeover (Entering, 2). Invariant: no caller enters without ABANDONED in the word after an owner died, until a repair has ended. The
    //  mark replaces the dead owner in one compare-exchange: a plain store would erase the owner of a faster waiter (STORES). A repair
    //  keeps WAITERS after a sleep for the reason of the probe (RECOVERS_ALONE). A dead owner wakes no waiter, so the mark wakes all.
    private WaitStep TakeOver(int seen)
    {
        int next = recovers ? Acquired | LockWord.Abandoned : LockWord.Abandoned;
        if (seen != next && !LockWord.TryChange(word, seen, next))
        {
            return WaitStep.Retry;
        }

        if ((seen & LockWord.Waiters) != 0)
        {
            _ = Interop.FutexWake(word, int.MaxValue);
        }

        WasAbandoned = recovers;
        return recovers
            ? WaitStep.Done
            : throw new AbandonedMutexException(
                $"The lock of '{page.Name}' is abandoned: its owner died while it held it, and may have left the data half changed. "
                + "Enter with EnterRecovery, repair, and call MarkConsistent.");
    }

    //  Sleep (Entering, 3 and 4). Invariant: the word has WAITERS while a waiter is asleep, so the release meets it and wakes one. The
    //  kernel compares the word with the marked value before it sleeps. A release between the two steps changes the word, and the sleep
    //  ends at once.
    public readonly WaitStep PrepareSleep(int seen, out WaitPlace place)
    {
        int asleep = seen | LockWord.Waiters;
        place = WaitPlace.One(word, asleep);
        return seen == asleep || LockWord.TryChange(word, seen, asleep) ? WaitStep.Wait : WaitStep.Retry;
    }

    public void EndSleep() => _hasSlept = true;

    //  Giving up. Invariant: a release wakes a waiter that goes on. A waiter that has slept may have received that wake-up, and passes it
    //  on before it leaves; otherwise the next waiter sleeps beside a free lock (NO_PASS_ON).
    public readonly void GiveUp()
    {
        if (_hasSlept)
        {
            _ = Interop.FutexWake(word, 1);
        }
    }
}
