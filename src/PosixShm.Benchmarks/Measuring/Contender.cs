using System.Diagnostics;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>One way to do the work of a row.</summary>
/// <param name="Name">As the tables name it.</param>
/// <param name="Run">Does the work so many times; returns the nanoseconds that it took.</param>
internal sealed record Contender(string Name, Func<long, double> Run)
{
    /// <summary>What the library's own contenders begin with.</summary>
    public const string Ours = "PosixShm";

    /// <summary>Makes a contender of work that is long enough for a call through a delegate not to matter.</summary>
    public static Contender Of(string name, Action work) => Timed(name, count =>
    {
        for (long i = 0; i < count; i++)
        {
            work();
        }
    });

    /// <summary>Makes a contender of work that has its own loop.</summary>
    public static Contender Timed(string name, Action<long> work) => new(name, count =>
    {
        long start = Stopwatch.GetTimestamp();
        work(count);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    });
}
