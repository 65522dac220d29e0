namespace PosixShm.Synchronization;

/// <summary>Time-outs as the kernel takes them.</summary>
internal static class TimeLimit
{
    /// <summary>Converts a time-out, rounded up so that nothing is a busy wait; -1 for ever.</summary>
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
