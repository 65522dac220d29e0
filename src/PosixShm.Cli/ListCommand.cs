using System.CommandLine;

namespace PosixShm.Cli;

/// <summary><c>pshm list [--json]</c>.</summary>
internal static class ListCommand
{
    public static Command Define()
    {
        Option<bool> json = CommandTree.JsonOption();
        Command command = new("list", "List the arrays that this user may read.") { json };
        command.SetAction(parsed => Run(parsed.GetValue(json)));
        return command;
    }

    private static int Run(bool json)
    {
        Write(SharedArray.List(), json);
        return ExitCode.Done;
    }

    /// <summary>Prints arrays as JSON, as a table on a terminal, or as columns for other programs.</summary>
    public static void Write(IReadOnlyList<SharedArrayInfo> arrays, bool json)
    {
        if (json)
        {
            Json.Write(writer => WriteJson(writer, arrays));
        }
        else if (Output.IsTerminal)
        {
            TerminalTable.Write(arrays);
        }
        else if (arrays.Count > 0)
        {
            PlainTable.Write(arrays);
        }
    }

    private static void WriteJson(Json json, IReadOnlyList<SharedArrayInfo> arrays)
    {
        json.Writer.WriteStartArray();
        foreach (SharedArrayInfo array in arrays)
        {
            json.Writer.WriteStartObject();
            ArrayFacts.WriteJson(json.Writer, array);
            json.Writer.WriteEndObject();
            json.FlushIfLarge();
        }

        json.Writer.WriteEndArray();
    }
}
