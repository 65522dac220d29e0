using System.Text.Json.Serialization;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>The measurements of one contender.</summary>
/// <param name="Name">The name in the tables.</param>
/// <param name="Nanoseconds">The nanoseconds of one operation, the median of the rounds.</param>
/// <param name="Ratio">The ratio to the row's base, the median of the rounds' ratios.</param>
/// <param name="Details">Further values.</param>
internal sealed record ContenderResult(string Name, double Nanoseconds, double Ratio, [property: JsonIgnore] IReadOnlyList<double> Details)
{
    /// <summary>Returns a percentile of the details.</summary>
    public double Percentile(double part)
    {
        double[] sorted = [.. Details.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[(int)Math.Ceiling(part * sorted.Length) - 1];
    }
}

/// <summary>The measurements of one row. The first contender is the base.</summary>
internal sealed record RowResult(string Title, IReadOnlyList<ContenderResult> Contenders, IReadOnlyList<Verdict> Verdicts, int Rounds)
{
    public bool IsMet => Verdicts.All(static verdict => verdict.IsMet);

    /// <summary>Returns the nanoseconds of a contender, or NaN if it did not run.</summary>
    public double Nanoseconds(string name)
        => Contenders.FirstOrDefault(contender => contender.Name == name)?.Nanoseconds ?? double.NaN;
}
