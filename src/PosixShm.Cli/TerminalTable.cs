using Spectre.Console;

namespace PosixShm.Cli;

/// <summary>Writes a list of arrays for a terminal.</summary>
internal static class TerminalTable
{
    public static void Write(IReadOnlyList<SharedArrayInfo> arrays)
    {
        if (arrays.Count == 0)
        {
            AnsiConsole.WriteLine("No arrays exist. Create one: pshm create NAME 3 4");
            return;
        }

        Table table = new() { Border = TableBorder.Rounded };
        foreach (TableColumn column in TableColumn.All)
        {
            TableColumnHeader(table, column);
        }

        foreach (SharedArrayInfo array in arrays)
        {
            _ = table.AddRow(TableColumn.All.Select(column => new Text(column.Cell(array))));
        }

        AnsiConsole.Write(table);
    }

    private static void TableColumnHeader(Table table, TableColumn column)
        => table.AddColumn(column.Title, header => header.Alignment = column.IsNumber ? Justify.Right : Justify.Left);
}
