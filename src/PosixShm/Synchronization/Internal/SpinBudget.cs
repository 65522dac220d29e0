using System.Diagnostics;

namespace PosixShm.Synchronization;

/// <summary>The rest of the spins of one wait, before its first sleep. The default value has none.</summary>
internal struct SpinBudget
{
    // Each spin takes twice as long as the one before: a few microseconds in all. Few reads, because each takes the cache line from the
    // owner. No yields: among more waiters than processors, they hand the owner's processor to another waiter.
    private const int MostSpins = 7;

    // In a budget of the user's. He wants to see the change soon, so the pauses stay short.
    private const int LongestPause = 3;

    private static readonly bool s_isAlone = Environment.ProcessorCount == 1;
    private static long s_ticks = -1;

    private int _left;
    private int _pause;
    private long _ticks;

    /// <summary>Gets or sets the time of the user's budget, in ticks of <see cref="Stopwatch"/>; -1 if he has not chosen one.</summary>
    public static long Ticks
    {
        get => Volatile.Read(ref s_ticks);
        set => Volatile.Write(ref s_ticks, value);
    }

    /// <summary>Gets whether the user has chosen to spin for words that rarely change within microseconds.</summary>
    public static bool IsChosen => Ticks > 0;

    /// <summary>Returns the budget of a thread that blocks, up to a time limit.</summary>
    public static SpinBudget OfThread(int timeoutMilliseconds)
    {
        long ticks = Ticks;
        return s_isAlone ? default
            : ticks < 0 ? new SpinBudget { _left = MostSpins }
            : new SpinBudget
            {
                _left = int.MaxValue,
                _ticks = timeoutMilliseconds < 0 ? ticks : Math.Min(ticks, timeoutMilliseconds * (Stopwatch.Frequency / 1000)),
            };
    }

    /// <summary>Returns the budget of the caller of an asynchronous wait, whose thread has other work: the default one, or none.</summary>
    public static SpinBudget OfCaller() => s_isAlone || Ticks == 0 ? default : new SpinBudget { _left = MostSpins };

    /// <summary>Spins once. False if nothing is left.</summary>
    public bool TrySpin()
    {
        if (_left == 0)
        {
            return false;
        }

        if (_left <= MostSpins)
        {
            _left--;
            Thread.SpinWait(1 << _pause++);
            return true;
        }

        long now = Stopwatch.GetTimestamp();
        if (_pause == 0)
        {
            // The first spin begins the time.
            _ticks += now;
        }

        if (now >= _ticks)
        {
            _left = 0;
            return false;
        }

        Thread.SpinWait(1 << Math.Min(_pause++, LongestPause));
        return true;
    }
}
