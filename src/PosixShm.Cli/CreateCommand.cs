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
            Description = "The length of each dimension; none for a single value.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string> dtype = new("--dtype")
        {
            HelpName = "TYPE",
            Description = "The element type, as numpy calls it.",
            DefaultValueFactory = static _ => "float64",
        };
        Option<string?> fill = new("--fill") { HelpName = "VALUE", Description = "What every element is; zero, or empty text, unless given." };
        Option<string> layout = new("--layout")
        {
            HelpName = "LAYOUT",
            Description = "How it lies in its file: npy, or sharedarray as Python's package of that name has it.",
            DefaultValueFactory = static _ => "npy",
        };

        Command command = new("create", "Create an array, which stays until it is deleted.")
        {
            name, shape, dtype, fill, layout,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(name),
            parsed.GetValue(shape) ?? [],
            parsed.GetRequiredValue(dtype),
            parsed.GetValue(fill),
            new SharedArrayOptions { Layout = ParseLayout(parsed.GetRequiredValue(layout)) }));
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
            throw Failures.WrongUse($"'{fill}' is not a value of type {dtype}: numbers, truth values and text (ASCII for S) can be given here.");
        }
    }

    private static ArrayLayout ParseLayout(string text) => text switch
    {
        "npy" => ArrayLayout.Npy,
        "sharedarray" => ArrayLayout.PythonSharedArray,
        _ => throw Failures.WrongUse($"'{text}' is not a layout: use npy or sharedarray."),
    };

    private static long ParseLength(string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long length))
        {
            return length >= 0 ? length : throw Failures.WrongUse($"The length of a dimension cannot be negative: {text}.");
        }

        throw Failures.WrongUse($"'{text}' is not the length of a dimension: a shape is whole numbers, as in 'pshm create NAME 3 4'.");
    }
}
