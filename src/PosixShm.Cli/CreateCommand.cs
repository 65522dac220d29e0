using System.CommandLine;
using System.Globalization;

namespace PosixShm.Cli;

/// <summary><c>pshm create NAME [SHAPE...] [--dtype float64] [--fill VALUE] [--layout npy]</c>.</summary>
internal static class CreateCommand
{
    public static Command Define()
    {
        Argument<string> name = new("name") { HelpName = "NAME", Description = "The new array's name." };
        Argument<string[]> shape = new("shape")
        {
            HelpName = "SHAPE",
            Description = "The length of each dimension; empty for a single value.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string> dtype = new("--dtype")
        {
            HelpName = "TYPE",
            Description = "The element type, by numpy's name or notation.",
            DefaultValueFactory = static _ => "float64",
        };
        Option<string?> fill = new("--fill")
        {
            HelpName = "VALUE",
            Description = "The value of all elements; zero, or empty text, unless given.",
        };
        Option<string> layout = new("--layout")
        {
            HelpName = "LAYOUT",
            Description = $"The layout of the file: {ArrayFacts.LayoutNames} (Python's package of that name).",
            DefaultValueFactory = static _ => "npy",
        };

        layout.CompletionSources.Add(ArrayFacts.Layouts);

        Command command = new("create", "Create an array, which exists until it is deleted.")
        {
            name, shape, dtype, fill, layout,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(name),
            parsed.GetValue(shape) ?? [],
            parsed.GetRequiredValue(dtype),
            parsed.GetValue(fill),
            new SharedArrayOptions { Layout = ArrayFacts.ParseLayout(parsed.GetRequiredValue(layout)) }));
        return command;
    }

    private static int Run(string name, string[] shape, string dtype, string? fill, SharedArrayOptions options)
    {
        Create(name, dtype, fill, options, Array.ConvertAll(shape, ParseLength)).Dispose();
        return ExitCode.Done;
    }

    private static UntypedSharedArray Create(string name, string dtype, string? fill, SharedArrayOptions options, long[] shape)
    {
        if (fill is null)
        {
            return SharedArray.Create(name, ArrayContent.Zeros(dtype, shape), options);
        }

        object value = FillValue.Parse(fill, dtype);
        try
        {
            return SharedArray.Create(name, ArrayContent.Filled(dtype, value, shape), options);
        }
        catch (InvalidCastException)
        {
            throw Failures.WrongUse($"'{fill}' is not a value of type {dtype}: use a number, true, false, or text (ASCII for S).");
        }
    }

    private static long ParseLength(string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long length))
        {
            return length >= 0 ? length : throw Failures.WrongUse($"The length of a dimension cannot be negative: {text}.");
        }

        throw Failures.WrongUse($"'{text}' is not the length of a dimension: a shape consists of integers, as in 'pshm create NAME 3 4'.");
    }
}
