namespace PosixShm.Benchmarks.Measuring;

/// <summary>A limit of the ratio between two contenders of a row.</summary>
/// <param name="AtMost">The maximum ratio.</param>
/// <param name="Than">The other contender; the row's base if null.</param>
/// <param name="Who">The contender that must be fast enough.</param>
internal sealed record Gate(double AtMost, string? Than = null, string Who = Contender.Ours);

/// <summary>The result of a gate.</summary>
/// <param name="Gate">The gate.</param>
/// <param name="Ratio">The ratio, with its interval.</param>
/// <param name="MayBeWide">Whether a wide interval is only reported.</param>
internal sealed record Verdict(Gate Gate, Interval Ratio, bool MayBeWide)
{
    private const double MaxWidth = 0.10;

    /// <summary>Gets whether the interval is too wide for a result.</summary>
    public bool IsWide => Ratio.Width > MaxWidth;

    /// <summary>Gets whether the whole interval is above the gate.</summary>
    public bool IsMissed => Ratio.Low > Gate.AtMost;

    public bool IsMet => !IsMissed && (MayBeWide || !IsWide);
}
