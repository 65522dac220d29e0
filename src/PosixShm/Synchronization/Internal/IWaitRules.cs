namespace PosixShm.Synchronization;

/// <summary>The rules of one wait. They are a struct, so that the loop is compiled for each kind of word and calls them directly.</summary>
/// <remarks>One thread at a time calls them, but not always the same one: a waiting thread of the library takes over the rules of an
/// asynchronous wait. So they keep nothing that belongs to a thread, and no step blocks.</remarks>
internal interface IWaitRules
{
    /// <summary>Tries to end the wait, and returns the value of the word that decided.</summary>
    WaitStep Probe(out int seen);

    /// <summary>Returns whether this value may change within microseconds.</summary>
    bool CanSpin(int seen);

    /// <summary>Checks for events that wake no waiter. The system calls among these checks are made only if they are due.</summary>
    WaitStep Check(int seen, bool isDue);

    /// <summary>Marks the sleep for the processes that end it: sets a bit of the word, or counts the waiter. Names the place of the sleep,
    /// and returns <see cref="WaitStep.Wait"/>; or another step, and then there is no sleep and nothing is marked.</summary>
    WaitStep PrepareSleep(int seen, out WaitPlace place);

    /// <summary>Takes back the mark. Follows each sleep once, whatever ended it. Throws nothing, as a waiting thread has no
    /// caller.</summary>
    void EndSleep();

    /// <summary>Ends a wait without success, outside of a sleep. Throws nothing.</summary>
    void GiveUp();
}

/// <summary>The result of a step.</summary>
internal enum WaitStep
{
    Done,  // the wait is over, with success
    Retry, // another thread changed the word, and the probe comes next
    Wait,  // the word is not free
}
