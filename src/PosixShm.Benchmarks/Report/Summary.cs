using System.Globalization;
using System.Text.Json;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Report;

/// <summary>The results of one run.</summary>
internal sealed record Summary(string Machine)
{
    private const string Begin = "<!-- measured: written by ./build.sh bench --docs docs -->";
    private const string End = "<!-- end of what is measured -->";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    public required IReadOnlyList<RowResult> Rows { get; init; }

    public required IReadOnlyList<RowResult> Contended { get; init; }

    public required IReadOnlyList<RowResult> WakeUps { get; init; }

    public required IReadOnlyList<Growth> Growths { get; init; }

    public required IReadOnlyList<Space> Spaces { get; init; }

    public required IReadOnlyList<MicroResult> Micro { get; init; }

    public required IReadOnlyList<Allocation> Allocations { get; init; }

    public bool IsMet => Rows.Concat(Contended).Concat(WakeUps).All(static row => row.IsMet)
        && Spaces.All(static space => space.IsMet)
        && Allocations.All(static allocation => allocation.IsMet);

    public override string ToString() => $"""
        {Machine}

        ### Against the others

        {Table.Of(Rows)}

        ### Contended locks

        {Table.OfContenders(Contended, ("least served", static contender => Table.Digits(contender.Percentile(0.5))))}

        ### Wake-ups

        {Table.OfContenders(WakeUps, At(0.5), At(0.99), At(0.999), ("wake-ups", static contender => $"{contender.Details.Count}"))}

        ### Growth

        {Table.Of(Growths)}

        ### Space

        {Table.Of(Spaces)}

        ### Inside one process

        {(Micro.Count == 0 ? "Only in the full run." : Table.Of(Micro))}

        ### Allocations

        {Table.Of(Allocations)}
        """;

    public void WriteJson(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, s_json));

    /// <summary>Writes the measured part of BENCHMARKS.md, and the plot.</summary>
    public void WriteDocs(string folder)
    {
        string page = Path.Combine(folder, "BENCHMARKS.md");
        string text = File.ReadAllText(page);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = text.IndexOf(End, StringComparison.Ordinal);
        File.WriteAllText(page, $"{text[..begin]}\n\n{this}\n\n{text[end..]}");
        File.WriteAllText(Path.Combine(folder, "benchmarks.svg"), Chart.Of([.. Rows, .. Contended], Growths));
    }

    private static (string Heading, Func<ContenderResult, string> Cell) At(double part)
        => (string.Create(CultureInfo.InvariantCulture, $"{part * 100} %"), contender => Table.Time(contender.Percentile(part)));
}
