namespace PosixShm.Benchmarks.Measuring;

/// <summary>What must hold between two contenders of a row.</summary>
/// <param name="AtMost">How many times as long the first one may take.</param>
/// <param name="Than">The other one; the row's base unless named.</param>
/// <param name="Who">The one that must be fast enough.</param>
internal sealed record Gate(double AtMost, string? Than = null, string Who = Contender.Ours);

/// <summary>How a gate was met.</summary>
internal sealed record Verdict(Gate Gate, double Ratio)
{
    public bool IsMet => Ratio <= Gate.AtMost;
}
