using System.CommandLine;
using System.Globalization;

namespace PosixShm.Cli;

/// <summary><c>pshm compact NAME...</c>.</summary>
internal static class CompactCommand
{
    // Arrays of other users are safe to compact, because their content is unchanged.
    private static readonly AttachOptions s_anyOwner = new() { AllowOtherOwners = true };

    public static Command Define()
    {
        Argument<string[]> names = CommandTree.NamesArgument();
        Command command = new(
            "compact", "Move arrays into huge pages (2 MiB), which makes access faster. Processes may use the arrays at the same time.")
        {
            names,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(names)));
        return command;
    }

    // As in 'delete', a failure does not end the command.
    private static int Run(string[] names) => names.Max(static name => Failures.Guard(() => Compact(name)));

    private static int Compact(string name)
    {
        using UntypedSharedArray array = SharedArray.AttachUntyped(name, SharedArrayAccess.ReadOnly, s_anyOwner);
        long compacted = array.Compact();
        using TextWriter output = Output.OpenText();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Printable.Of(name)}: {compacted:N0} of {array.DataOffset + array.ByteLength:N0} bytes in huge pages"));
        return ExitCode.Done;
    }
}
