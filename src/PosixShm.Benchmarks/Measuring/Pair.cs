namespace PosixShm.Benchmarks.Measuring;

/// <summary>Two processes, of which one sleeps and the other wakes it.</summary>
/// <param name="start">Starts a process.</param>
/// <param name="pauseNanoseconds">The time between two wake-ups.</param>
internal sealed class Pair(Func<Worker> start, int pauseNanoseconds = Pair.SleepNanoseconds) : IDisposable
{
    /// <summary>The pause before the wake-up of a sleeper: longer than an idle processor polls for work before it halts.</summary>
    public const int SleepNanoseconds = 500_000;

    /// <summary>The pause before the wake-up of a process that spins.</summary>
    public const int SpinNanoseconds = 20_000;

    private readonly Worker _sleeper = start();
    private readonly Worker _waker = start();

    /// <summary>Creates a contender whose time is the median of a batch of wake-ups, and whose details are the times of all.</summary>
    public Contender Contender(string name, string sleep, string wake, Scratch arena, long number = 0) => new(name, (batch, noted) =>
    {
        long count = Math.Max(1, (long)batch.TotalNanoseconds / pauseNanoseconds);
        Arena.Clear(arena.Array)[Arena.Pause] = pauseNanoseconds;
        _sleeper.Ask(sleep, count, arena.Path, number);
        _waker.Ask(wake, count, arena.Path, number);
        double[] took = [.. _sleeper.Answer().Select(static nanoseconds => (double)nanoseconds).Order()];
        _ = _waker.Answer();
        noted.AddRange(took);
        return took[took.Length / 2];
    });

    public void Dispose()
    {
        _sleeper.Dispose();
        _waker.Dispose();
    }
}
