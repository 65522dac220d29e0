namespace PosixShm.Synchronization;

/// <content>Waits for a frame that block no thread.</content>
internal sealed partial class FrameStream
{
    /// <summary>Waits for a frame, or a later one. False if the array was deleted or replaced, and the frame is not there.</summary>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left for the wait.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public ValueTask<bool> WaitAsync(ulong frame, CancellationToken cancellation)
    {
        using AttachedPage.Use use = Page.Using();
        FrameArrival arrival = new(this, frame);
        if (WaitLoop.TryOnce(ref arrival, isCheckDue: true, SpinBudget.OfCaller(), out WaitPlace place))
        {
            return new ValueTask<bool>(!arrival.IsGone);
        }

        use.HandOver();
        ArrivalWait wait = new(this, arrival, place, cancellation);
        wait.Start();
        return wait.Task;
    }

    private sealed class ArrivalWait(FrameStream stream, in FrameArrival arrival, in WaitPlace place, CancellationToken cancellation)
        : AsyncResult<FrameArrival, bool>(arrival, place, stream.Page.Segment, cancellation)
    {
        protected override void Accept(in FrameArrival rules) => Result = !rules.IsGone;
    }
}
