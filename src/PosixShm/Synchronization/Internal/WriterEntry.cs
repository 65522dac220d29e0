namespace PosixShm.Synchronization;

/// <summary>The rules of one entry for writing: docs/FORMAT.md, "The reader-writer lock", Writing. The writer waits for three words, one
/// after the other: it lets overtaken readers go first, acquires the word, and waits for the readers that are inside.</summary>
/// <param name="page">The page of the lock.</param>
/// <param name="words">The lock.</param>
/// <param name="owner">This attachment's owner value.</param>
/// <param name="recovers">Whether the caller acquires an abandoned lock, to repair the data.</param>
/// <param name="timeout">The caller's time in milliseconds; -1 for ever.</param>
internal unsafe struct WriterEntry(AttachedPage page, ReaderWriterWords words, int owner, bool recovers, int timeout) : IWaitRules
{
    // Part of the protocol: the time for which a writer lets overtaken readers go first.
    private const int TurnMilliseconds = 5;

    // Part of the protocol: a caller with less time than two pauses makes no pause. Its time could end within the pause, at each attempt,
    // and a dead reader's request would keep it out of a free lock for ever.
    private Step _step = timeout is >= 0 and < 2 * TurnMilliseconds ? Step.Word : Step.Turn;
    private long _turnEnd;
    private int _slot = 1;
    private int _checkedSlot;
    private bool _hasSlept;

    private enum Step
    {
        Turn,
        Word,
        Readers,
    }

    /// <summary>Gets whether the lock was acquired from a writer that died.</summary>
    public bool WasAbandoned { get; private set; }

    public WaitStep Probe(out int seen)
    {
        page.ThrowIfLost();
        return _step switch
        {
            Step.Turn => ProbeTurn(out seen),
            Step.Word => ProbeWord(out seen),
            _ => ProbeReaders(out seen),
        };
    }

    public readonly bool CanSpin(int seen) => _step == Step.Readers || (_step == Step.Word && LockWord.Owner(seen) != 0);

    public WaitStep Check(int seen, bool isDue)
    {
        if (isDue)
        {
            page.ThrowIfDetached();
        }

        return _step switch
        {
            Step.Turn => WaitStep.Wait,
            Step.Word => CheckWord(seen, isDue),
            _ => CheckReaders(seen, isDue),
        };
    }

    public readonly WaitStep PrepareSleep(int seen, out WaitPlace place)
    {
        switch (_step)
        {
            case Step.Turn:
                place = WaitPlace.All(words.Turn, seen, (int)Math.Max(1, _turnEnd - Environment.TickCount64));
                return WaitStep.Wait;
            case Step.Word:
                int asleep = seen | LockWord.Waiters;
                place = WaitPlace.All(words.Word, asleep);
                return seen == asleep || LockWord.TryChange(words.Word, seen, asleep) ? WaitStep.Wait : WaitStep.Retry;
            default:
                // Before the kernel loads the count: see ReaderWriterWords.TryCountOut.
                _ = Interlocked.Exchange(ref *words.Draining, owner);
                place = WaitPlace.All(words.Slot(_slot), seen);
                return WaitStep.Wait;
        }
    }

    public void EndSleep() => _hasSlept = true;

    // A release wakes all waiters, so no wake-up needs to be passed on. Only the word, which shuts new readers out, is released.
    public readonly void GiveUp()
    {
        if (_step == Step.Readers && !page.IsOverwritten)
        {
            Volatile.Write(ref *words.Draining, 0);
            _ = words.TryLeave(owner, WriteExit.Usual);
        }
    }

    private readonly bool IsAlive(int named)
        => _hasSlept ? page.Locks.Owners.WasAlive(named) : page.Locks.Owners.IsAlive(named);

    //  Turn (Writing, 1). A request is a hint, and no part of the exclusion. The reader that made it may be dead, so the request ends with
    //  the pause.
    private WaitStep ProbeTurn(out int seen)
    {
        seen = Volatile.Read(ref *words.Turn);
        long now = Environment.TickCount64;
        _turnEnd = _turnEnd == 0 ? now + TurnMilliseconds : _turnEnd;
        if (seen != 0 && now < _turnEnd)
        {
            return WaitStep.Wait;
        }

        if (seen != 0)
        {
            _ = LockWord.TryChange(words.Turn, seen, 0);
        }

        _step = Step.Word;
        return WaitStep.Retry;
    }

    //  Word (Writing, 2). The invariants of LockEntry hold for this word too.
    private WaitStep ProbeWord(out int seen)
    {
        seen = Volatile.Read(ref *words.Word);
        if (seen != LockWord.Free)
        {
            return WaitStep.Wait;
        }

        _step = LockWord.TryChange(words.Word, seen, owner) ? Step.Readers : Step.Word;
        return WaitStep.Retry;
    }

    private WaitStep CheckWord(int seen, bool isDue)
    {
        if (LockWord.Owner(seen) == 0)
        {
            return recovers ? Recover(seen) : throw words.MakeAbandoned(page, seen);
        }

        if (!isDue || IsAlive(LockWord.Owner(seen)))
        {
            return WaitStep.Wait;
        }

        words.Bury(seen);
        return WaitStep.Retry;
    }

    private WaitStep Recover(int seen)
    {
        if (words.TryReplace(seen, owner | LockWord.Abandoned))
        {
            WasAbandoned = true;
            _step = Step.Readers;
        }

        return WaitStep.Retry;
    }

    //  Readers (Writing, 3 and 4). New readers find the word, and leave. So slots in which no reader was found need no second look.
    private WaitStep ProbeReaders(out int seen)
    {
        seen = 0;
        int found = words.FindReaders(_slot);
        if (found == 0)
        {
            words.BeginWriting();
            return WaitStep.Done;
        }

        _slot = found;
        seen = Volatile.Read(ref *words.Slot(_slot));
        return ReaderWriterWords.Readers(seen) > 0 ? WaitStep.Wait : WaitStep.Retry;
    }

    //  Invariant: only a dead attachment loses its readers. The word of the slot was loaded before the query whether its owner is alive. An
    //  attachment that acquires the slot in between makes it another word, which the compare-exchange refuses (LOOK_FIRST in the model).
    //  Each slot with readers is queried when it is met, and again when a check is due.
    private WaitStep CheckReaders(int seen, bool isDue)
    {
        if (!isDue && _checkedSlot == _slot)
        {
            return WaitStep.Wait;
        }

        _checkedSlot = _slot;
        if (IsAlive(LockWord.MakeOwner(_slot, seen)))
        {
            return WaitStep.Wait;
        }

        words.Clear(_slot, seen);
        return WaitStep.Retry;
    }
}
