namespace PosixShm.Benchmarks.Measuring;

/// <summary>How the time of one operation grows with the size of something.</summary>
/// <param name="Title">The operation.</param>
/// <param name="Of">The quantity that grows.</param>
/// <param name="Sizes">The sizes.</param>
/// <param name="Series">The nanoseconds of each contender at each size.</param>
/// <param name="IsBandwidth">Whether all bytes of the size are accessed, so that the plot shows bytes per second.</param>
internal sealed record Growth(string Title, string Of, IReadOnlyList<double> Sizes, IReadOnlyList<Series> Series, bool IsBandwidth = false)
{
    private Series Ours => Series.First(static series => series.Name == Contender.Ours);

    /// <summary>Gets the library's time at the smallest and at the largest size.</summary>
    public (double First, double Last) Ends => (Ours.Nanoseconds[0], Ours.Nanoseconds[^1]);

    /// <summary>Gets the median of the library's ratios to the first contender.</summary>
    public double Ratio
    {
        get
        {
            double[] ratios = [.. Ours.Nanoseconds.Zip(Series[0].Nanoseconds, static (ours, theirs) => ours / theirs).Order()];
            return ratios[ratios.Length / 2];
        }
    }

    /// <summary>Gets the growth in words, by the exponent over the upper half of the sizes, where constant costs matter least.</summary>
    public string InWords
    {
        get
        {
            int middle = Sizes.Count / 2;
            double exponent = Math.Log(Ends.Last / Ours.Nanoseconds[middle]) / Math.Log(Sizes[^1] / Sizes[middle]);
            return exponent switch
            {
                < 0.2 => "constant",
                > 0.7 and < 1.3 => "linear",
                _ => $"to the power of {Report.Table.Digits(exponent)}",
            };
        }
    }

    /// <summary>Joins the rows that were measured at each size.</summary>
    public static Growth Join(string title, string of, IEnumerable<(double Size, RowResult Row)> rows, bool isBandwidth = false)
    {
        (double Size, RowResult Row)[] all = [.. rows];
        return new Growth(
            title,
            of,
            [.. all.Select(static item => item.Size)],
            [.. all[0].Row.Contenders.Select(contender => OfContender(contender.Name))],
            isBandwidth);

        Series OfContender(string name) => new(name, [.. all.Select(item => item.Row.Nanoseconds(name))]);
    }
}

/// <summary>One line of a plot.</summary>
internal sealed record Series(string Name, IReadOnlyList<double> Nanoseconds);
