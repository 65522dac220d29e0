namespace PosixShm.Synchronization;

/// <content>Entering from asynchronous methods.</content>
public sealed partial class SharedLock
{
    private static int s_lastToken;

    // Ends when the asynchronous entry that came last has the lock, or has given up.
    private Task _lastAsyncEntry = Task.CompletedTask;

    /// <summary>Waits until the lock is free, and takes it, without blocking the calling thread.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>
    /// What leaves the lock when it is disposed, on whatever thread. The entry belongs to no thread: it is not
    /// <see cref="IsHeldByCurrentThread"/>, and entering again before leaving waits for ever.
    /// </returns>
    /// <remarks>If the lock is not free, a thread of its own waits for it, for one asynchronous entry of this attachment after the other.</remarks>
    /// <inheritdoc cref="Enter"/>
    public async ValueTask<SharedLockReleaser> EnterAsync(CancellationToken cancellation = default)
    {
        int token = Interlocked.Decrement(ref s_lastToken);
        if (!TryEnterFast(token))
        {
            TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Task turn = Interlocked.Exchange(ref _lastAsyncEntry, entered.Task);
            try
            {
                await turn.WaitAsync(cancellation).ConfigureAwait(false);
                await Task.Factory.StartNew(
                    () => EnterSlow(token, Timeout.Infinite, recovers: false, out _, cancellation),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default).ConfigureAwait(false);
            }
            finally
            {
                entered.SetResult();
            }
        }

        return new SharedLockReleaser(this, token);
    }
}
