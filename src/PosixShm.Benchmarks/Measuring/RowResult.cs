namespace PosixShm.Benchmarks.Measuring;

/// <summary>What was measured of one contender.</summary>
/// <param name="Name">As the tables name it.</param>
/// <param name="Nanoseconds">One operation, the median of the rounds.</param>
/// <param name="Ratio">To the row's base, the median of the rounds' ratios.</param>
internal sealed record ContenderResult(string Name, double Nanoseconds, double Ratio);

/// <summary>What was measured of one row. The first contender is the base.</summary>
internal sealed record RowResult(string Title, IReadOnlyList<ContenderResult> Contenders, IReadOnlyList<Verdict> Verdicts)
{
    public bool IsMet => Verdicts.All(static verdict => verdict.IsMet);

    /// <summary>Gets what was measured of one contender; not a number if it did not run.</summary>
    public double Nanoseconds(string name)
        => Contenders.FirstOrDefault(contender => contender.Name == name)?.Nanoseconds ?? double.NaN;
}
