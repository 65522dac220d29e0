using System.Diagnostics;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>Runs the contenders of a row against each other: in rounds, so that whatever slows the machine down slows all of them.</summary>
internal sealed class Stage(int rounds, TimeSpan batch, TimeSpan warmUp)
{
    /// <summary>Measures a row.</summary>
    /// <param name="title">As the tables name it.</param>
    /// <param name="contenders">The base first.</param>
    /// <param name="gates">What must hold.</param>
    /// <param name="operations">How many operations a contender does for each time it is asked to work.</param>
    public RowResult Measure(string title, IReadOnlyList<Contender> contenders, IReadOnlyList<Gate> gates, double operations = 1)
    {
        Console.Error.WriteLine($"  {title}");
        long[] counts = [.. contenders.Select(WarmUp)];
        double[][] times = [.. contenders.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            // Another one begins each time: none always runs after the same one.
            for (int i = 0; i < counts.Length; i++)
            {
                int next = (i + round) % counts.Length;
                times[next][round] = contenders[next].Run(counts[next]) / counts[next] / operations;
            }
        }

        double[] Of(string name) => times[contenders.Index().First(item => item.Item.Name == name).Index];

        return new RowResult(
            title,
            [.. contenders.Select((contender, i) => new ContenderResult(contender.Name, Median(times[i]), Ratio(times[i], times[0])))],
            [.. gates.Select(gate => new Verdict(gate, Ratio(Of(gate.Who), Of(gate.Than ?? contenders[0].Name))))]);
    }

    /// <summary>Runs until the just-in-time compiler has nothing left to improve; returns how often the work fits into a batch.</summary>
    private long WarmUp(Contender contender)
    {
        long start = Stopwatch.GetTimestamp();
        long count = 1;
        double once = contender.Run(1);
        while (Stopwatch.GetElapsedTime(start) < warmUp)
        {
            count = Math.Max(1, (long)(batch.TotalNanoseconds / 4 / once));
            once = contender.Run(count) / count;
        }

        return Math.Max(1, (long)(batch.TotalNanoseconds / once));
    }

    private static double Ratio(double[] times, double[] others) => Median([.. times.Zip(others, static (time, other) => time / other)]);

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
