using System.CommandLine;

namespace PosixShm.Cli;

/// <summary><c>pshm info NAME [--json]</c>.</summary>
internal static class InfoCommand
{
    public static Command Define()
    {
        Argument<string> name = CommandTree.NameArgument();
        Option<bool> json = CommandTree.JsonOption();
        Command command = new("info", "Describe an array, and list the owners of its locks.") { name, json };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(name), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string name, bool json)
    {
        // The description precedes the attachment, which would make the array one that is in use.
        SharedArrayInfo array = SharedArray.Describe(name);
        using UntypedSharedArray? attached = LockFacts.Attach(name);
        if (json)
        {
            Json.Write(document =>
            {
                document.Writer.WriteStartObject();
                ArrayFacts.WriteJson(document.Writer, array);
                LockFacts.WriteJson(document, attached);
                document.Writer.WriteEndObject();
            });
        }
        else
        {
            using TextWriter output = Output.OpenText();
            ArrayFacts.WriteText(output, array);
            LockFacts.WriteText(output, attached);
        }

        return ExitCode.Done;
    }
}
