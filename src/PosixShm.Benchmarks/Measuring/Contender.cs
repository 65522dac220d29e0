using System.Diagnostics;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>One way to do the work of a row.</summary>
/// <param name="Name">As the tables name it.</param>
/// <param name="Sample">Works for about so long; returns the nanoseconds of one operation. May note more than that in the list.</param>
internal sealed record Contender(string Name, Func<TimeSpan, List<double>, double> Sample)
{
    /// <summary>What the library's own contenders begin with.</summary>
    public const string Ours = "PosixShm";

    /// <summary>Makes a contender of work that can be done any number of times, and returns the nanoseconds that they took.</summary>
    public static Contender Counted(string name, Func<long, double> run)
    {
        // As it was in the last sample, with all that is not timed.
        double once = 0;
        return new(name, (batch, _) =>
        {
            long count = once == 0 ? 1 : Math.Max(1, (long)(batch.TotalNanoseconds / once));
            long start = Stopwatch.GetTimestamp();
            double took = run(count);
            once = Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
            return took / count;
        });
    }

    /// <summary>Makes a contender of work that has its own loop.</summary>
    public static Contender Timed(string name, Action<long> work) => Counted(name, count =>
    {
        long start = Stopwatch.GetTimestamp();
        work(count);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    });

    /// <summary>Makes a contender of work that is long enough for a call through a delegate not to matter.</summary>
    public static Contender Of(string name, Action work) => Timed(name, count =>
    {
        for (long i = 0; i < count; i++)
        {
            work();
        }
    });

    /// <summary>Makes a contender of work between other work that is not timed.</summary>
    public static Contender Between<T>(string name, Func<T> before, Action<T> work, Action<T> after) => Counted(name, count =>
    {
        double took = 0;
        for (long i = 0; i < count; i++)
        {
            T subject = before();
            long start = Stopwatch.GetTimestamp();
            work(subject);
            took += Stopwatch.GetElapsedTime(start).TotalNanoseconds;
            after(subject);
        }

        return took;
    });
}
