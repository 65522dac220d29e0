using System.Diagnostics;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>One way to do the work of a row.</summary>
/// <param name="Name">The name in the tables.</param>
/// <param name="Sample">Works for about a given time, and returns the nanoseconds of one operation. It may add further values to the
/// list.</param>
internal sealed record Contender(string Name, Func<TimeSpan, List<double>, double> Sample)
{
    /// <summary>The prefix of the library's own contenders.</summary>
    public const string Ours = "PosixShm";

    /// <summary>Creates a contender of work that runs a given number of times, and returns the nanoseconds.</summary>
    public static Contender Counted(string name, Func<long, double> run)
    {
        // The time of one operation in the last sample, including the work that is not timed.
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

    /// <summary>Creates a contender of work that has its own loop.</summary>
    public static Contender Timed(string name, Action<long> work) => Counted(name, count =>
    {
        long start = Stopwatch.GetTimestamp();
        work(count);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    });

    /// <summary>Creates a contender of work that takes much longer than a call of a delegate.</summary>
    public static Contender Of(string name, Action work) => Timed(name, count =>
    {
        for (long i = 0; i < count; i++)
        {
            work();
        }
    });

    /// <summary>Creates a contender of work between other work that is not timed.</summary>
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
