using System.Globalization;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Report;

/// <summary>Writes results as aligned tables in Markdown.</summary>
internal static class Table
{
    public static string Of(IEnumerable<RowResult> rows)
        => Aligned([["work", "base (1.0)", "ours", "gate (95 % interval)", "met", "rounds", "peers"], .. rows.Select(Line)]);

    /// <summary>Writes rows with a line for each contender.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="details">Further columns, from the details of a contender.</param>
    public static string OfContenders(
        IEnumerable<RowResult> rows, params (string Heading, Func<ContenderResult, string> Cell)[] details) => Aligned(
    [
        ["work", "by", "time", "ratio", .. details.Select(static detail => detail.Heading), "gate (95 % interval)", "met"],
        .. rows.SelectMany(static row => row.Contenders, (row, contender) => (string[])
        [
            contender == row.Contenders[0] ? row.Title : string.Empty,
            contender.Name,
            Time(contender.Nanoseconds),
            Digits(contender.Ratio),
            .. details.Select(detail => contender.Details.Count == 0 ? "-" : detail.Cell(contender)),
            .. IsOurs(contender) ? Judged(row) : ["-", "-"],
        ]),
    ]);

    public static string Of(IEnumerable<Growth> growths) => Aligned(
    [
        ["work", "from", "time", "to", "time", "growth", "to the C twin"],
        .. growths.Select(static growth => new[]
        {
            growth.Title,
            $"{growth.Sizes[0]:0} {growth.Of}",
            Time(growth.Ends.First),
            $"{growth.Sizes[^1]:0} {growth.Of}",
            Time(growth.Ends.Last),
            growth.InWords,
            Digits(growth.Ratio),
        }),
    ]);

    public static string Of(IEnumerable<MicroResult> results) => Aligned(
    [
        ["operation", "size", "time", "error", "bytes allocated"],
        .. results.Select(static result => new[]
        {
            result.Operation, result.Parameters, Time(result.Nanoseconds), Time(result.Error), $"{result.AllocatedBytes}",
        }),
    ]);

    public static string Of(IEnumerable<Space> spaces) => Aligned(
    [
        ["what", "bytes", "gate", "met"],
        .. spaces.Select(static space => new[] { space.What, $"{space.Bytes}", $"<= {space.AtMost}", space.IsMet ? "yes" : "**no**" }),
    ]);

    public static string Of(IEnumerable<Allocation> allocations) => Aligned(
    [
        ["operation", "bytes allocated", "gate", "met"],
        .. allocations.Select(static allocation => new[]
        {
            allocation.Operation,
            allocation.Bytes.ToString("0", CultureInfo.InvariantCulture),
            allocation.MustBeNone ? "0" : "-",
            !allocation.MustBeNone ? "-" : allocation.IsMet ? "yes" : "**no**",
        }),
    ]);

    /// <summary>Returns a time in the unit that suits it.</summary>
    public static string Time(double nanoseconds) => nanoseconds switch
    {
        < 1e3 => string.Create(CultureInfo.InvariantCulture, $"{Digits(nanoseconds)} ns"),
        < 1e6 => string.Create(CultureInfo.InvariantCulture, $"{Digits(nanoseconds / 1e3)} us"),
        < 1e9 => string.Create(CultureInfo.InvariantCulture, $"{Digits(nanoseconds / 1e6)} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Digits(nanoseconds / 1e9)} s"),
    };

    /// <summary>Returns a number with two or three significant digits.</summary>
    public static string Digits(double value)
        => value.ToString(value < 0.1 ? "0.000" : value < 10 ? "0.00" : value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static string Aligned(IReadOnlyList<string[]> lines)
    {
        int[] widths = [.. Enumerable.Range(0, lines[0].Length).Select(column => lines.Max(line => line[column].Length))];
        string Text(string[] line) => $"| {string.Join(" | ", line.Select((cell, column) => cell.PadRight(widths[column])))} |";
        string rule = $"|{string.Join('|', widths.Select(static width => new string('-', width + 2)))}|";
        return string.Join('\n', [Text(lines[0]), rule, .. lines.Skip(1).Select(Text)]);
    }

    private static string[] Line(RowResult row)
    {
        ContenderResult first = row.Contenders[0];
        return
        [
            row.Title,
            $"{first.Name} {Time(first.Nanoseconds)}",
            Names(row.Contenders.Where(static contender => IsOurs(contender)).Select(Short)),
            .. Judged(row),
            $"{row.Rounds}",
            Names(row.Contenders.Skip(1)
                .Where(static contender => !IsOurs(contender))
                .Select(static contender => $"{contender.Name} {Digits(contender.Ratio)}")),
        ];
    }

    private static bool IsOurs(ContenderResult contender) => contender.Name.StartsWith(Contender.Ours, StringComparison.Ordinal);

    private static string Short(ContenderResult contender)
        => $"{contender.Name[Contender.Ours.Length..].TrimStart(',', ' ')} {Digits(contender.Ratio)}".TrimStart();

    // Returns the gates of a row, and whether they are met.
    private static string[] Judged(RowResult row) => row.Verdicts.Count == 0
        ? ["-", "-"]
        :
        [
            Names(row.Verdicts.Select(Text)),
            row.Verdicts.Any(static verdict => verdict.IsMissed) ? "**no**"
                : !row.IsMet ? "**too noisy**"
                : row.Verdicts.Any(static verdict => verdict.IsWide) ? "yes, wide"
                : "yes",
        ];

    private static string Text(Verdict verdict)
    {
        string who = verdict.Gate.Who[Contender.Ours.Length..].TrimStart(',', ' ');
        string than = verdict.Gate.Than is null ? string.Empty : $" of {verdict.Gate.Than}";
        return $"{who} <= {Digits(verdict.Gate.AtMost)}{than} ({Digits(verdict.Ratio.Low)} to {Digits(verdict.Ratio.High)})".TrimStart();
    }

    private static string Names(IEnumerable<string> parts) => string.Join(", ", parts);
}
