using System.Diagnostics;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>
/// Runs the contenders of a row against each other. They run in rounds, so that anything that slows the machine down slows all of them.
/// </summary>
/// <param name="batch">The length of a contender's work in a round.</param>
/// <param name="warmUp">The length of a contender's work before the first round.</param>
/// <param name="maxRounds">The maximum number of rounds, if the interval of a gate stays too wide.</param>
/// <param name="mayBeWide">Whether an interval that is still too wide is only reported.</param>
internal sealed class Stage(TimeSpan batch, TimeSpan warmUp, int maxRounds, bool mayBeWide)
{
    /// <summary>The number of rounds of each row, and of each further attempt while an interval is too wide.</summary>
    public const int Rounds = 31;

    /// <summary>Measures a row.</summary>
    /// <param name="title">The title in the tables.</param>
    /// <param name="contenders">The contenders, of which the first one is the base.</param>
    /// <param name="gates">The gates.</param>
    /// <param name="operations">The number of operations in one call of a contender.</param>
    public RowResult Measure(string title, IReadOnlyList<Contender> contenders, IReadOnlyList<Gate> gates, double operations = 1)
    {
        Console.Error.WriteLine($"  {title}");
        Entry[] entries = [.. contenders.Select(static contender => new Entry(contender))];
        Entry[] judged = [.. entries.Where((entry, i) => i == 0 || gates.Any(gate => gate.Who == entry.Name || gate.Than == entry.Name))];
        Array.ForEach(entries, WarmUp);
        Run(entries);
        RowResult row = Result(title, entries, gates, operations);
        while (row.Verdicts.Any(static verdict => verdict.IsWide) && row.Rounds + Rounds <= maxRounds)
        {
            Run(judged);
            row = Result(title, entries, gates, operations);
        }

        return row;
    }

    /// <summary>Runs until the JIT compiler has optimized the work, and the batches have their length.</summary>
    private void WarmUp(Entry entry)
    {
        long start = Stopwatch.GetTimestamp();
        do
        {
            entry.Run(batch / 4);
        }
        while (Stopwatch.GetElapsedTime(start) < warmUp);

        entry.Forget();
    }

    // Each round begins with another contender, and every other round goes backwards, so that no contender always follows the same one.
    private void Run(Entry[] entries)
    {
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < entries.Length; i++)
            {
                int next = (i + (round / 2)) % entries.Length;
                entries[round % 2 == 0 ? next : entries.Length - 1 - next].Run(batch);
            }
        }
    }

    private RowResult Result(string title, Entry[] entries, IReadOnlyList<Gate> gates, double operations)
    {
        Entry Named(string? name) => name is null ? entries[0] : entries.First(entry => entry.Name == name);
        return new RowResult(
            title,
            [.. entries.Select(entry => entry.Result(entries[0], operations))],
            [.. gates.Select(gate => new Verdict(gate, Named(gate.Who).Ratio(Named(gate.Than)), mayBeWide))],
            entries[0].Rounds);
    }

    /// <summary>A contender with its times so far.</summary>
    private sealed class Entry(Contender contender)
    {
        private readonly List<double> _times = [];
        private readonly List<double> _details = [];

        public string Name => contender.Name;

        public int Rounds => _times.Count;

        public void Run(TimeSpan batch) => _times.Add(contender.Sample(batch, _details));

        public void Forget()
        {
            _times.Clear();
            _details.Clear();
        }

        public ContenderResult Result(Entry other, double operations)
            => new(Name, Interval.Of(_times).Median / operations, Ratio(other).Median, _details);

        /// <summary>Returns the ratio to another contender, from the ratios of all rounds in which both ran.</summary>
        public Interval Ratio(Entry other) => Interval.Of(_times.Zip(other._times, static (time, another) => time / another));
    }
}
