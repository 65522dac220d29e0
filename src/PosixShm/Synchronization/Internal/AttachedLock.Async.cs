namespace PosixShm.Synchronization;

/// <content>Entering from asynchronous methods.</content>
internal sealed partial class AttachedLock
{
    // Ends when the latest asynchronous entry has acquired the lock or given up.
    private Task _lastEntry = Task.CompletedTask;

    /// <summary>Enters on behalf of no thread; left by <see cref="ExitEntry"/>.</summary>
    public async ValueTask EnterAsync(CancellationToken cancellation)
    {
        long entry = LockThread.NewId();
        if (TryEnterFast(LockThread.Current, entry))
        {
            return;
        }

        TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task turn = Interlocked.Exchange(ref _lastEntry, entered.Task);
        try
        {
            await turn.WaitAsync(cancellation).ConfigureAwait(false);
            await Task.Factory.StartNew(
                () => EnterSlow(LockThread.Current, entry, Timeout.Infinite, recovers: false, out _, cancellation),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).ConfigureAwait(false);
        }
        finally
        {
            entered.SetResult();
        }
    }
}
