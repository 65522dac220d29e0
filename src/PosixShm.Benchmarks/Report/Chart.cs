using System.Globalization;
using System.Net;
using System.Text;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Report;

/// <summary>Draws the results as one SVG file: the ratios of all rows, and a plot of each growth. All scales are logarithmic.</summary>
internal sealed class Chart
{
    private const int Width = 980;
    private const int RowHeight = 22;
    private const int LabelWidth = 340;
    private const int PlotWidth = 390;
    private const int PlotHeight = 210;
    private const int ColumnWidth = PlotWidth + 90;

    // Labels of an axis that are closer would overlap.
    private const int LeastBetweenLabels = 42;

    private const string OurColour = "#1f6fd0";

    private static readonly string[] s_python = ["ython", "numpy", "multiprocessing"];

    private readonly StringBuilder _svg = new();

    public static string Of(IReadOnlyList<RowResult> rows, IReadOnlyList<Growth> growths)
    {
        Chart chart = new();
        int top = chart.Ratios(rows);
        for (int i = 0; i < growths.Count; i++)
        {
            chart.Plot(growths[i], 70 + (i % 2 * ColumnWidth), top + 50 + (i / 2 * (PlotHeight + 90)));
        }

        int height = top + 20 + ((growths.Count + 1) / 2 * (PlotHeight + 90));
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" viewBox="0 0 {Width} {height}"
             font-family="sans-serif" font-size="11">
            <rect width="100%" height="100%" fill="white"/>
            {chart._svg}</svg>

            """;
    }

    private int Ratios(IReadOnlyList<RowResult> rows)
    {
        const double Least = 0.01;
        const double MaxRatio = 100;
        const int Top = 50;
        static double X(double ratio) => LabelWidth
            + ((Width - LabelWidth - 30) * Math.Log(Math.Clamp(ratio, Least, MaxRatio) / Least) / Math.Log(MaxRatio / Least));

        int bottom = Top + (rows.Count * RowHeight);
        Text(20, 22, "Time as a multiple of the row's base: left is faster", "font-size='14' font-weight='bold'");
        int legend = LabelWidth + 60;
        foreach (string name in new[] { Contender.Ours, "C", ".NET", "Python" })
        {
            Add($"<circle cx='{legend}' cy='36' r='5' fill='{Colour(name)}'/>");
            Text(legend + 9, 40, name);
            legend += 90;
        }

        foreach (double tick in new[] { 0.01, 0.1, 1, 10, 100 })
        {
            Add($"<line x1='{X(tick):0.0}' x2='{X(tick):0.0}' y1='{Top}' y2='{bottom}' stroke='{(tick == 1 ? "#444444" : "#dddddd")}'/>");
            Text(X(tick), bottom + 14, Number(tick), "text-anchor='middle'");
        }

        foreach ((int index, RowResult row) in rows.Index())
        {
            int y = Top + (index * RowHeight) + (RowHeight / 2);
            Text(LabelWidth - 10, y + 4, row.Title, "text-anchor='end'");

            // The library's circles are drawn last, over the others.
            foreach (ContenderResult contender in row.Contenders.Reverse().OrderBy(static contender => Colour(contender.Name) == OurColour))
            {
                Add($"<circle cx='{X(contender.Ratio):0.0}' cy='{y}' r='5' fill='{Colour(contender.Name)}' fill-opacity='0.85'>");
                Add($"<title>{Escaped(contender.Name)} {Table.Digits(contender.Ratio)}</title></circle>");
            }
        }

        return bottom + 30;
    }

    private void Plot(Growth growth, int left, int top)
    {
        double Value(Series series, int i) => growth.IsBandwidth ? growth.Sizes[i] / series.Nanoseconds[i] : series.Nanoseconds[i];
        double[] values = [.. growth.Series.SelectMany(series => growth.Sizes.Select((_, i) => Value(series, i)))];
        double low = Math.Pow(10, Math.Floor(Math.Log10(values.Min())));
        double high = Math.Pow(10, Math.Ceiling(Math.Log10(values.Max())));
        double X(double size) => left + (PlotWidth * Math.Log(size / growth.Sizes[0]) / Math.Log(growth.Sizes[^1] / growth.Sizes[0]));
        double Y(double value) => top + PlotHeight - (PlotHeight * Math.Log(value / low) / Math.Log(high / low));

        Text(left, top - 10, growth.IsBandwidth ? growth.Title : $"{growth.Title}: {growth.InWords}", "font-size='12' font-weight='bold'");
        Add($"<rect x='{left}' y='{top}' width='{PlotWidth}' height='{PlotHeight}' fill='none' stroke='#999999'/>");
        for (double tick = low; tick <= high * 1.01; tick *= 10)
        {
            Add($"<line x1='{left}' x2='{left + PlotWidth}' y1='{Y(tick):0.0}' y2='{Y(tick):0.0}' stroke='#eeeeee'/>");
            Text(left - 5, Y(tick) + 4, growth.IsBandwidth ? $"{Number(tick)} GB/s" : Short(tick), "text-anchor='end'");
        }

        double next = double.MaxValue;
        foreach (double size in growth.Sizes.Reverse().Where(size => next - X(size) >= LeastBetweenLabels))
        {
            next = X(size);
            Text(next, top + PlotHeight + 14, Size(size, growth.Of), "text-anchor='middle'");
        }

        Text(left + (PlotWidth / 2), top + PlotHeight + 29, growth.Of, "text-anchor='middle'");
        foreach ((int index, Series series) in growth.Series.Index())
        {
            string colour = series.Name switch
            {
                "C mutex" => "#8855bb",
                "C robust mutex" => "#bb5555",
                "Boost interprocess_mutex" => "#b0a030",
                _ => Colour(series.Name),
            };
            IEnumerable<string> points = growth.Sizes.Select((size, i) => $"{Number(X(size))},{Number(Y(Value(series, i)))}");
            Add($"<polyline fill='none' stroke='{colour}' stroke-width='2' points='{string.Join(' ', points)}'/>");
            Text(left + 8, top + 16 + (index * 14), series.Name, $"fill='{colour}'");
        }
    }

    private static string Colour(string contender) => contender switch
    {
        _ when contender.StartsWith(Contender.Ours, StringComparison.Ordinal) => OurColour,
        "C" or "Boost interprocess_mutex" or ['C', ' ' or ',', ..] => "#777777",
        _ when s_python.Any(word => contender.Contains(word, StringComparison.Ordinal)) => "#3a9a4b",
        _ => "#e08a1e",
    };

    private static string Short(double nanoseconds) => nanoseconds switch
    {
        < 1e3 => $"{Number(nanoseconds)} ns",
        < 1e6 => $"{Number(nanoseconds / 1e3)} us",
        < 1e9 => $"{Number(nanoseconds / 1e6)} ms",
        _ => $"{Number(nanoseconds / 1e9)} s",
    };

    private static string Size(double size, string of) => of != "bytes" ? Number(size) : size switch
    {
        < 1 << 20 => $"{Number(size / (1 << 10))} KiB",
        < 1 << 30 => $"{Number(size / (1 << 20))} MiB",
        _ => $"{Number(size / (1 << 30))} GiB",
    };

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Escaped(string text) => WebUtility.HtmlEncode(text);

    private void Text(double x, double y, string text, string attributes = "")
        => Add($"<text x='{x:0.0}' y='{y:0.0}' {attributes}>{Escaped(text)}</text>");

    private void Add(FormattableString line) => _svg.Append(FormattableString.Invariant(line)).Append('\n');
}
