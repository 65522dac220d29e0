namespace PosixShm.Synchronization;

/// <summary>The rules of one wait for a frame: the part Wake-up of docs/FORMAT.md, "Streams of frames".</summary>
/// <param name="stream">The stream.</param>
/// <param name="frame">The frame that ends the wait, or any later one.</param>
internal unsafe struct FrameArrival(FrameStream stream, ulong frame) : IWaitRules
{
    // Part of the protocol: docs/FORMAT.md promises that a reader without a page, and one that may not store, checks this often.
    private const int NapWithoutPageMilliseconds = 5;
    private const int NapReadOnlyMilliseconds = 1;

    private bool _hasSlept;

    /// <summary>Gets whether the wait ended because the array was deleted or replaced.</summary>
    public bool IsGone { get; private set; }

    // "sleepers" is loaded before "head": a wake-up between the two ends a nap at once.
    public readonly WaitStep Probe(out int seen)
    {
        seen = stream.Page.TryFind() ? stream.Words.Sleepers : 0;
        return stream.Head() >= frame ? WaitStep.Done : WaitStep.Wait;
    }

    // A frame may be far away, so a spin is the choice of the user. Without a page, each probe is a system call.
    public readonly bool CanSpin(int seen) => SpinBudget.IsChosen && stream.Page.IsFound;

    // A wake-up without a frame is that of a process that replaced the array, and a process that deletes it wakes no reader. So the file is
    // checked after such a wake-up, and whenever a check is due. The writer may have committed its last frame before: it is read first.
    public WaitStep Check(int seen, bool isDue)
    {
        if (isDue)
        {
            stream.Page.ThrowIfDetached();
        }

        if (isDue || _hasSlept)
        {
            _hasSlept = false;
            IsGone = stream.IsGone() && stream.Head() < frame;
        }

        return IsGone ? WaitStep.Done : WaitStep.Wait;
    }

    //  Invariant: no reader sleeps beside a frame. The mark comes before the last load of "head", and a commit before the writer's load of
    //  the mark, so one of the two sees the other. The kernel sleeps only while the word has the marked value. The mark stays after the
    //  sleep, because it may be that of another reader, too; the next commit clears it.
    public readonly WaitStep PrepareSleep(int seen, out WaitPlace place)
    {
        if (!stream.Page.IsFound)
        {
            place = WaitPlace.Timer(NapWithoutPageMilliseconds);
            return WaitStep.Wait;
        }

        if (!stream.Page.MayStore)
        {
            place = WaitPlace.All(stream.Words.SleepersWord, seen, NapReadOnlyMilliseconds);
            return WaitStep.Wait;
        }

        // The check before the sleep may have yielded the processor since the page was found to be intact.
        stream.Page.ThrowIfLost();
        place = WaitPlace.All(stream.Words.SleepersWord, stream.Words.MarkSleeper());
        return stream.Head() < frame ? WaitStep.Wait : WaitStep.Retry;
    }

    // A nap is not a sleep: it ends every millisecond or five, also without a wake-up.
    public void EndSleep() => _hasSlept = stream.Page.IsFound && stream.Page.MayStore;

    // A wake-up wakes all readers, so no wake-up has to be passed on.
    public readonly void GiveUp()
    {
    }
}
