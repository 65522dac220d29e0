namespace PosixShm.Synchronization;

/// <summary>
/// How long a waiter still waits, and when it checks what nobody wakes it for: the owner's death, its token, an interrupt, the array's disposal. The checks go by
/// elapsed time on the monotonic clock: signals and wake-ups that end its sleeps early cannot put them off.
/// </summary>
/// <param name="timeoutMilliseconds">The whole time; -1 for ever.</param>
/// <param name="cancellation">Ends the wait.</param>
internal struct WaitTime(int timeoutMilliseconds, CancellationToken cancellation)
{
    // Less than the 50 ms that are promised, by more than a tick of the clock.
    private const int CheckAfterMilliseconds = 40;

    private readonly long _start = Environment.TickCount64;
    private long _nextCheck;

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

    /// <summary>Returns whether a check is due, as it is at first, when the time is over, and 40 ms after the last.</summary>
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
            // A native wait does not notice an interrupt; this does. Not at first: it also yields.
            Thread.Sleep(0);
        }

        _nextCheck = now + CheckAfterMilliseconds;
        return true;
    }
}
