namespace PosixShm.Synchronization;

//
//  A wait for a word in shared memory repeats these steps, until the probe or the check ends it:
//
//      probe    one attempt
//      spin     a short pause, because most locks are released within a microsecond
//      check    at once and every 40 ms, even if signals end the sleeps early: token, interrupt, detached array, dead owner
//      prepare  marks the sleep for the processes that end it, and names the place of the sleep
//      sleep    in the kernel, until the word changes or the next check is due
//      end      takes back the mark
//
//  Invariant: no waiter sleeps on a change that has already happened. The rules keep it: the place has a value that the probe of the same
//  round has seen, or that the preparation has stored in its place, and the kernel sleeps only while the word has it (FUTEX_WAIT). A rule
//  that loads the word again before the sleep breaks it. No process wakes the waiters of an owner that died, so every sleep has a limit:
//  docs/FORMAT.md, "Locks", Entering.
//
/// <summary>The wait of a thread for a word in shared memory, for locks of every kind. The rules define the word and its values.</summary>
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

                    next = rules.PrepareSleep(seen, out WaitPlace place);
                    if (next == WaitStep.Wait)
                    {
                        Sleep(ref rules, place, time.NextSleep);
                    }
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

    private static void Sleep<TRules>(ref TRules rules, in WaitPlace place, int milliseconds)
        where TRules : struct, IWaitRules
    {
        try
        {
            place.Sleep(milliseconds);
        }
        finally
        {
            // Also after an interrupt.
            rules.EndSleep();
        }
    }
}
