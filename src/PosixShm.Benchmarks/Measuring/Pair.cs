namespace PosixShm.Benchmarks.Measuring;

/// <summary>Two processes, of which one sleeps and the other wakes it.</summary>
internal sealed class Pair(Func<Worker> start) : IDisposable
{
    // Longer than an idle processor polls for work before it halts.
    private const int PauseNanoseconds = 500_000;

    private readonly Worker _sleeper = start();
    private readonly Worker _waker = start();

    /// <summary>Creates a contender whose time is the median of a batch of wake-ups, and whose details are the times of all.</summary>
    public Contender Contender(string name, string sleep, string wake, Scratch arena, long number = 0) => new(name, (batch, noted) =>
    {
        long count = Math.Max(1, (long)batch.TotalNanoseconds / PauseNanoseconds);
        Arena.Clear(arena.Array)[Arena.Pause] = PauseNanoseconds;
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
