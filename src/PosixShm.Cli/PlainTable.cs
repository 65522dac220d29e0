namespace PosixShm.Cli;

/// <summary>Writes a list of arrays for pipes and files: a header and aligned columns, without truncation.</summary>
internal static class PlainTable
{
    public static void Write(IReadOnlyList<SharedArrayInfo> arrays)
    {
        IReadOnlyList<TableColumn> columns = TableColumn.All;
        List<string[]> rows = [[.. columns.Select(static column => column.Title)]];
        rows.AddRange(arrays.Select(array => columns.Select(column => column.Cell(array)).ToArray()));
        int[] widths = [.. columns.Select((_, i) => rows.Max(row => row[i].Length))];

        using TextWriter output = Output.OpenText();
        foreach (string[] row in rows)
        {
            IEnumerable<string> cells = row.Select((cell, i) => columns[i].IsNumber ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }
}
