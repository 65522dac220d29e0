namespace PosixShm.Synchronization;

//
//  A wait for a word in shared memory repeats four steps, until the probe or the check ends it:
//
//      probe   one attempt
//      spin    a short pause, because most locks are released within a microsecond
//      check   at once and every 40 ms, even if signals end the sleeps early: token, interrupt, detached array, dead owner
//      sleep   in the kernel, until the word changes or the next check is due
//
//  Invariant: no waiter sleeps on a change that has already happened. The rules keep it: a sleep depends on the value that the probe of the
//  same round has seen, and the kernel sleeps only while the word has it (FUTEX_WAIT). A rule that loads the word again before the sleep
//  breaks it. No process wakes the waiters of an owner that died, so every sleep has a limit: docs/FORMAT.md, "Locks", Entering.
//
/// <summary>The wait for a word in shared memory, for locks of every kind. The rules define the word and its values.</summary>
internal static class WaitLoop
{
    // Each spin takes twice as long as the one before: a few microseconds in all. Few reads, because each takes the cache line from the
    // owner. No yields: among more waiters than processors, they hand the owner's processor to another waiter.
    private static readonly int s_maxSpins = Environment.ProcessorCount > 1 ? 7 : 0;

    /// <summary>Waits by the rules of a word. False if the time ran out. A rule, the token or an interrupt may throw.</summary>
    public static bool Run<TRules>(ref TRules rules, ref WaitTime time)
        where TRules : struct, IWaitRules
    {
        WaitStep next = WaitStep.Retry;
        try
        {
            for (int spins = 0; next != WaitStep.Done;)
            {
                next = rules.Probe(out int seen);
                if (next != WaitStep.Wait)
                {
                    continue;
                }

                if (spins < s_maxSpins && !time.IsZero && rules.CanSpin(seen))
                {
                    Thread.SpinWait(1 << spins++);
                    continue;
                }

                next = rules.Check(seen, time.IsCheckDue());
                if (next == WaitStep.Wait)
                {
                    if (time.IsOver)
                    {
                        return false;
                    }

                    rules.Sleep(seen, time.NextSleep);
                }
            }

            return true;
        }
        finally
        {
            if (next != WaitStep.Done)
            {
                rules.GiveUp();
            }
        }
    }
}

/// <summary>The result of a step.</summary>
internal enum WaitStep
{
    Done,  // the wait is over, with success
    Retry, // another thread changed the word, and the probe comes next
    Wait,  // the word is not free
}

/// <summary>The rules of one wait. They are a struct, so that the loop is compiled for each kind of word and calls them directly.</summary>
internal interface IWaitRules
{
    /// <summary>Tries to end the wait, and returns the value of the word that decided.</summary>
    WaitStep Probe(out int seen);

    /// <summary>Returns whether this value may change within microseconds.</summary>
    bool CanSpin(int seen);

    /// <summary>Checks for events that wake no waiter. The system calls among these checks are made only if they are due.</summary>
    WaitStep Check(int seen, bool isDue);

    /// <summary>Sleeps while the word has the value, up to a time. It may return early.</summary>
    void Sleep(int seen, int milliseconds);

    /// <summary>Ends a wait without success.</summary>
    void GiveUp();
}
