namespace PosixShm.Synchronization;

/// <summary>The rules of one entry for reading that did not succeed at once: docs/FORMAT.md, "The reader-writer lock", Reading.</summary>
/// <param name="page">The page of the lock.</param>
/// <param name="words">The lock.</param>
/// <param name="owner">This attachment's owner value.</param>
internal unsafe struct ReaderEntry(AttachedPage page, ReaderWriterWords words, int owner) : IWaitRules
{
    // Part of the protocol: the number of times that a reader is overtaken before it requests a pause of the writers.
    private const int Patience = 4;

    private int _overtaken;
    private bool _hasAsked;
    private bool _hasSlept;

    // Probe. The word is loaded first, so that a reader does not disturb a writer that waits for readers to leave.
    public WaitStep Probe(out int seen)
    {
        page.ThrowIfLost();
        seen = Volatile.Read(ref *words.Word);
        if (seen != LockWord.Free)
        {
            return WaitStep.Wait;
        }

        if (words.TryCountIn(words.Slot(LockWord.Slot(owner)), out int readers))
        {
            EndTurn();
            return WaitStep.Done;
        }

        _overtaken++;
        return readers <= ReaderWriterWords.MaxReaders
            ? WaitStep.Retry
            : throw new InvalidOperationException(
                $"{ReaderWriterWords.MaxReaders} threads and asynchronous entries already read '{page.Name}' through this attachment, "
                + "which is the limit.");
    }

    public readonly bool CanSpin(int seen) => LockWord.Owner(seen) != 0;

    // Check. As for a mutual-exclusion lock (LockEntry), but a dead writer that had not begun to store leaves a free lock.
    public readonly WaitStep Check(int seen, bool isDue)
    {
        if (isDue)
        {
            page.ThrowIfDetached();
        }

        int named = LockWord.Owner(seen);
        if (named == 0)
        {
            throw words.MakeAbandoned(page, seen);
        }

        LockOwners owners = page.Locks.Owners;
        if (!isDue || (_hasSlept ? owners.WasAlive(named) : owners.IsAlive(named)))
        {
            return WaitStep.Wait;
        }

        words.Bury(seen);
        return WaitStep.Retry;
    }

    // Sleep. Invariant: the word has WAITERS while a waiter is asleep, as in LockEntry.
    public WaitStep PrepareSleep(int seen, out WaitPlace place)
    {
        // A request that exists may be that of a dead reader, and then ends after 5 ms. It need not be this reader's own.
        if (++_overtaken >= Patience && Volatile.Read(ref *words.Turn) == 0)
        {
            Volatile.Write(ref *words.Turn, owner);
            _hasAsked = true;
        }

        int asleep = seen | LockWord.Waiters;
        place = WaitPlace.All(words.Word, asleep);
        return seen == asleep || LockWord.TryChange(words.Word, seen, asleep) ? WaitStep.Wait : WaitStep.Retry;
    }

    public void EndSleep() => _hasSlept = true;

    // Giving up. A release wakes all waiters, so no wake-up needs to be passed on.
    public readonly void GiveUp() => EndTurn();

    private readonly void EndTurn()
    {
        if (_hasAsked && !page.IsOverwritten)
        {
            words.EndTurn();
        }
    }
}
