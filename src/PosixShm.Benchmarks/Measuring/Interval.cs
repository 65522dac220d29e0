namespace PosixShm.Benchmarks.Measuring;

/// <summary>A median, and a 95 % confidence interval of it.</summary>
/// <remarks>
/// The ends are order statistics. The number of values below the true median follows the binomial distribution of n and 1/2, whatever
/// distribution the values have. The probability that the k-th smallest and the k-th largest value enclose the median is therefore exact. k
/// is the largest number for which it is at least 95 %.
/// </remarks>
internal sealed record Interval(double Low, double Median, double High)
{
    private const double MaxOutside = 0.05;

    /// <summary>Gets the width as a fraction of the median.</summary>
    public double Width => (High - Low) / Median;

    /// <summary>Computes the interval of six or more values. Fewer values have no interval of 95 %.</summary>
    public static Interval Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        ArgumentOutOfRangeException.ThrowIfLessThan(sorted.Length, 6, nameof(values));
        int outside = Outside(sorted.Length);
        return new Interval(sorted[outside], (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[^(outside + 1)]);
    }

    // Returns the number of values outside of the interval at each end, which leaves at most half of 5 % to the tail of the distribution.
    private static int Outside(int count)
    {
        double probability = Math.Pow(0.5, count);
        double tail = probability;
        for (int outside = 0; ; outside++)
        {
            probability *= (double)(count - outside) / (outside + 1);
            tail += probability;
            if (tail > MaxOutside / 2)
            {
                return outside;
            }
        }
    }
}
