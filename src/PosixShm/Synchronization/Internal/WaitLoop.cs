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
//  A blocked thread makes all of them. An asynchronous wait has the same steps, and a waiting thread of the library sleeps for it, at the
//  places of many waits at once (AsyncWait).
//
//  Invariant: no waiter sleeps on a change that has already happened. The rules keep it: the place has a value that the probe of the same
//  round has seen, or that the preparation has stored in its place, and the kernel sleeps only while the word has it (FUTEX_WAIT). A rule
//  that loads the word again before the sleep breaks it. No process wakes the waiters of an owner that died, so every sleep has a limit:
//  docs/FORMAT.md, "Locks", Entering.
//
/// <summary>The wait for a word in shared memory, for locks of every kind. The rules define the word and its values.</summary>
internal static class WaitLoop
{
    /// <summary>Blocks the calling thread by the rules of a word. False if the time ran out. A rule, the token or an interrupt may
    /// throw.</summary>
    public static bool Run<TRules>(ref TRules rules, ref WaitTime time)
        where TRules : struct, IWaitRules
    {
        SpinBudget spins = time.IsZero ? default : SpinBudget.OfThread(time.Milliseconds);
        WaitStep next = WaitStep.Retry;
        try
        {
            while ((next = Attempt(ref rules, ref spins, out int seen)) != WaitStep.Done
                && (next = rules.Check(seen, time.IsCheckDue())) != WaitStep.Done)
            {
                if (next == WaitStep.Retry)
                {
                    continue;
                }

                if (time.IsOver)
                {
                    return false;
                }

                if (rules.PrepareSleep(seen, out WaitPlace place) == WaitStep.Wait)
                {
                    Sleep(ref rules, place, time.NextSleep);
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

    /// <summary>Makes the part of a wait that blocks no thread. True if the wait is over. False if the rules have prepared a sleep: the
    /// next call follows <see cref="IWaitRules.EndSleep"/>. A rule may throw, and then the wait has ended without success.</summary>
    public static bool TryOnce<TRules>(ref TRules rules, bool isCheckDue, SpinBudget spins, out WaitPlace place)
        where TRules : struct, IWaitRules
    {
        place = default;
        bool hasThrown = true;
        try
        {
            WaitStep next;
            while ((next = Attempt(ref rules, ref spins, out int seen)) != WaitStep.Done
                && (next = rules.Check(seen, isCheckDue)) != WaitStep.Done)
            {
                isCheckDue = false;
                if (next == WaitStep.Wait && rules.PrepareSleep(seen, out place) == WaitStep.Wait)
                {
                    break;
                }
            }

            hasThrown = false;
            return next == WaitStep.Done;
        }
        finally
        {
            if (hasThrown)
            {
                rules.GiveUp();
            }
        }
    }

    private static WaitStep Attempt<TRules>(ref TRules rules, ref SpinBudget spins, out int seen)
        where TRules : struct, IWaitRules
    {
        WaitStep next;
        do
        {
            next = rules.Probe(out seen);
        }
        while (next == WaitStep.Retry || (next == WaitStep.Wait && rules.CanSpin(seen) && spins.TrySpin()));

        return next;
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
