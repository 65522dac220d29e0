namespace PosixShm.Synchronization;

/// <summary>The rest of a waiter's time, and the times of its checks for events that wake no waiter: the owner's death, the token, an
/// interrupt, the array's disposal. The checks depend on elapsed time by the monotonic clock, so signals and wake-ups that end sleeps early
/// do not delay them.</summary>
/// <param name="timeoutMilliseconds">The whole time; -1 for ever.</param>
/// <param name="cancellation">Ends the wait.</param>
internal struct WaitTime(int timeoutMilliseconds, CancellationToken cancellation)
{
    // Part of the protocol: docs/FORMAT.md, "Locks", promises a check every 50 ms. This is less, by more than a tick of the clock.
    public const int CheckAfterMilliseconds = 40;

    private readonly long _start = Environment.TickCount64;
    private long _nextCheck;

    /// <summary>Gets the whole time; -1 for ever.</summary>
    public readonly int Milliseconds => timeoutMilliseconds;

    /// <summary>Gets whether the caller does not wait at all.</summary>
    public readonly bool IsZero => timeoutMilliseconds == 0;

    /// <summary>Gets whether the time is over.</summary>
    public readonly bool IsOver => timeoutMilliseconds >= 0 && Environment.TickCount64 - _start >= timeoutMilliseconds;

    /// <summary>Gets the length of the next sleep in milliseconds: until the next check or the end of the time, and at least 1.</summary>
    public readonly int NextSleep
    {
        get
        {
            long now = Environment.TickCount64;
            long end = timeoutMilliseconds < 0 ? _nextCheck : Math.Min(_nextCheck, _start + timeoutMilliseconds);
            return (int)Math.Clamp(end - now, 1, CheckAfterMilliseconds);
        }
    }

    /// <summary>Returns whether a check is due: the first time, when the time is over, and 40 ms after the last check.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted, now or before it began to wait.</exception>
    public bool IsCheckDue()
    {
        long now = Environment.TickCount64;
        if (now < _nextCheck && !IsOver)
        {
            return false;
        }

        cancellation.ThrowIfCancellationRequested();
        if (_nextCheck != 0)
        {
            // A native wait does not notice an interrupt; this does. It also yields, so the first check leaves it out.
            Thread.Sleep(0);
        }

        _nextCheck = now + CheckAfterMilliseconds;
        return true;
    }
}
