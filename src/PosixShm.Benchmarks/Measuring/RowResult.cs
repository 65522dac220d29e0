using System.Text.Json.Serialization;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>What was measured of one contender.</summary>
/// <param name="Name">As the tables name it.</param>
/// <param name="Nanoseconds">One operation, the median of the rounds.</param>
/// <param name="Ratio">To the row's base, the median of the rounds' ratios.</param>
/// <param name="Details">What it noted besides its time.</param>
internal sealed record ContenderResult(string Name, double Nanoseconds, double Ratio, [property: JsonIgnore] IReadOnlyList<double> Details)
{
    /// <summary>Gets the value that a part of the details is not above.</summary>
    public double Percentile(double part)
    {
        double[] sorted = [.. Details.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[(int)Math.Ceiling(part * sorted.Length) - 1];
    }
}

/// <summary>What was measured of one row. The first contender is the base.</summary>
internal sealed record RowResult(string Title, IReadOnlyList<ContenderResult> Contenders, IReadOnlyList<Verdict> Verdicts, int Rounds)
{
    public bool IsMet => Verdicts.All(static verdict => verdict.IsMet);

    /// <summary>Gets what was measured of one contender; not a number if it did not run.</summary>
    public double Nanoseconds(string name)
        => Contenders.FirstOrDefault(contender => contender.Name == name)?.Nanoseconds ?? double.NaN;
}
