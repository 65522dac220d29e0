using System.CommandLine;

namespace PosixShm.Cli;

/// <summary><c>pshm show NAME [--json] [--all]</c>.</summary>
internal static class ShowCommand
{
    private const int MaxElements = 1000;

    // Reading another user's array changes nothing.
    private static readonly AttachOptions s_anyOwner = new() { AllowOtherOwners = true };

    public static Command Define()
    {
        Argument<string> name = CommandTree.NameArgument();
        Option<bool> json = CommandTree.JsonOption();
        Option<bool> all = new("--all")
        {
            Description = $"Print all elements of an array of more than {MaxElements}, too.",
            Arity = ArgumentArity.Zero,
        };
        Command command = new("show", "Print an array's elements.") { name, json, all };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(name), parsed.GetValue(json), parsed.GetValue(all)));
        return command;
    }

    private static int Run(string name, bool json, bool all)
    {
        // The description precedes the attachment, which would make the array one that is in use.
        SharedArrayInfo info = SharedArray.Describe(name);
        using UntypedSharedArray array = SharedArray.AttachUntyped(name, SharedArrayAccess.ReadOnly, s_anyOwner);
        if (array.DType != info.DType || !array.Shape.AsSpan().SequenceEqual(info.Shape.AsSpan()))
        {
            throw new IOException($"'{name}' was deleted and created again while it was read: try again.");
        }

        if (json)
        {
            Json.Write(document => WriteJson(document, info, array));
        }
        else
        {
            using TextWriter output = Output.OpenText();
            output.WriteLine($"{Printable.Of(info.Name)}: {Printable.Of(info.DType)} {ArrayFacts.Shape(info)}");
            array.WriteTo(output, all ? long.MaxValue : MaxElements);
            output.WriteLine();
        }

        return ExitCode.Done;
    }

    private static void WriteJson(Json json, SharedArrayInfo info, UntypedSharedArray array)
    {
        json.Writer.WriteStartObject();
        ArrayFacts.WriteJson(json.Writer, info);
        json.Writer.WriteStartArray("values");
        for (long index = 0; index < array.Length; index++)
        {
            ElementJson.Write(json.Writer, array, index);
            json.FlushIfLarge();
        }

        json.Writer.WriteEndArray();
        json.Writer.WriteEndObject();
    }
}
