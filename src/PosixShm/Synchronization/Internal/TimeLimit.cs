namespace PosixShm.Synchronization;

/// <summary>Conversion of time-outs to those of system calls.</summary>
internal static class TimeLimit
{
    /// <summary>Converts a time-out to milliseconds, rounded up so that no wait is busy; -1 for none.</summary>
    public static int InMilliseconds(TimeSpan timeout, string parameterName)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
        {
            return Timeout.Infinite;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero, parameterName);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeout, TimeSpan.FromMilliseconds(int.MaxValue), parameterName);
        return (int)Math.Ceiling(timeout.TotalMilliseconds);
    }
}
