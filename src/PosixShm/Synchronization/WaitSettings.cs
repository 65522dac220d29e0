using System.Diagnostics;

namespace PosixShm.Synchronization;

/// <summary>Settings of all waits of this process.</summary>
public static class WaitSettings
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(10);

    /// <summary>Gets or sets how long a thread spins before it sleeps, at the beginning of each wait for a lock, a change or a frame; null,
    /// the default: a few microseconds for locks, and not at all for changes and frames.</summary>
    /// <remarks><para>A thread that spins notices a change within a fraction of a microsecond. One that sleeps is woken by the kernel, which
    /// takes 20 to 60 microseconds. Spinning occupies a processor, so it helps if a change comes within the time and processors are idle.
    /// <see cref="TimeSpan.Zero"/> lets all waits sleep at once. With one processor, no wait spins.</para>
    /// <para>A wait reads the value when it begins. Asynchronous waits spin for a few microseconds at most, because their caller has
    /// other work. Cancellation is noticed after the time.</para></remarks>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over 10 milliseconds.</exception>
    public static TimeSpan? SpinTime
    {
        get => SpinBudget.Ticks is long ticks and >= 0 ? TimeSpan.FromSeconds((double)ticks / Stopwatch.Frequency) : null;

        set
        {
            if (value is TimeSpan time)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, nameof(value));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(time, s_longest, nameof(value));
            }

            SpinBudget.Ticks = value is TimeSpan chosen ? (long)(chosen.TotalSeconds * Stopwatch.Frequency) : -1;
        }
    }
}
