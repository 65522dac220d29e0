using System.Diagnostics;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>
/// Runs the contenders of a row against each other. They run in rounds, so that anything that slows the machine down slows all of them.
/// </summary>
/// <param name="batch">How long each works in a round.</param>
/// <param name="warmUp">How long each works before the first round.</param>
/// <param name="maxRounds">How many rounds there may be, where a gate's interval is too wide after the first ones.</param>
/// <param name="mayBeWide">Whether an interval that is still too wide then is only reported.</param>
internal sealed class Stage(TimeSpan batch, TimeSpan warmUp, int maxRounds, bool mayBeWide)
{
    /// <summary>The rounds of each row; and, where an interval is too wide, the rounds of each further attempt.</summary>
    public const int Rounds = 31;

    /// <summary>Measures a row.</summary>
    /// <param name="title">As the tables name it.</param>
    /// <param name="contenders">The base first.</param>
    /// <param name="gates">What must hold.</param>
    /// <param name="operations">How many operations a contender does for each time it is asked to work.</param>
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

    /// <summary>Runs until the just-in-time compiler has nothing left to improve, and the batches have their length.</summary>
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

    // Another one begins each time, and every other round goes backwards: none always runs after the same one.
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

        /// <summary>The ratio to another contender: that of each round in which both ran.</summary>
        public Interval Ratio(Entry other) => Interval.Of(_times.Zip(other._times, static (time, another) => time / another));
    }
}
