using System.Text.Json;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Report;

/// <summary>All that one run measured.</summary>
internal sealed record Summary(string Machine, IReadOnlyList<RowResult> Rows, IReadOnlyList<Growth> Growths, IReadOnlyList<MicroResult> Micro, IReadOnlyList<Allocation> Allocations)
{
    private const string Begin = "<!-- measured: written by ./build.sh bench --docs docs -->";
    private const string End = "<!-- end of what is measured -->";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    public bool IsMet => Rows.All(static row => row.IsMet) && Allocations.All(static allocation => allocation.IsMet);

    public override string ToString() => $"""
        {Machine}

        ### Against the others

        {Table.Of(Rows)}

        ### Growth

        {Table.Of(Growths)}

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
        File.WriteAllText(Path.Combine(folder, "benchmarks.svg"), Chart.Of(Rows, Growths));
    }
}
