namespace PosixShm.Benchmarks.Measuring;

/// <summary>What must hold between two contenders of a row.</summary>
/// <param name="AtMost">How many times as long the first one may take.</param>
/// <param name="Than">The other one; the row's base unless named.</param>
/// <param name="Who">The one that must be fast enough.</param>
internal sealed record Gate(double AtMost, string? Than = null, string Who = Contender.Ours);

/// <summary>Whether a gate is met.</summary>
/// <param name="Gate">The gate.</param>
/// <param name="Ratio">The ratio, with its interval.</param>
/// <param name="MayBeWide">Whether a wide interval is only reported.</param>
internal sealed record Verdict(Gate Gate, Interval Ratio, bool MayBeWide)
{
    private const double MaxWidth = 0.10;

    /// <summary>Gets whether the interval is too wide for the ratio to be known.</summary>
    public bool IsWide => Ratio.Width > MaxWidth;

    /// <summary>Gets whether the ratio is above the gate beyond doubt: the whole interval is.</summary>
    public bool IsMissed => Ratio.Low > Gate.AtMost;

    public bool IsMet => !IsMissed && (MayBeWide || !IsWide);
}
