using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using PosixShm.Cli.Doctor;

namespace PosixShm.Cli;

/// <summary>All commands, and what they have in common.</summary>
internal static class CommandTree
{
    public static int Run(string[] args)
    {
        Option<string?> directory = ArrayDirectory.Option();
        RootCommand root = new("Named arrays in shared memory: create, list, look at, delete; their locks, and named semaphores.")
        {
            CreateCommand.Define(),
            ListCommand.Define(),
            InfoCommand.Define(),
            ShowCommand.Define(),
            UnlockCommand.Define(),
            SemaphoreCommand.Define(),
            DeleteCommand.Define(),
            PruneCommand.Define(),
            CompactCommand.Define(),
            DoctorCommand.Define(),
            directory,
        };

        // Without response files: '@x' is a name like any other.
        ParseResult parsed = root.Parse(args is [] ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            throw Failures.WrongUse($"{parsed.Errors[0].Message} See 'pshm --help'.");
        }

        RefuseUnknownOptions(parsed.Tokens);
        ArrayDirectory.Choose(parsed.GetValue(directory));

        using TextWriter output = Output.OpenText();
        return parsed.Invoke(new InvocationConfiguration
        {
            Output = output,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    /// <summary>Makes the argument that names an array which exists.</summary>
    public static Argument<string> NameArgument() => Named(new Argument<string>("name") { Description = "The array's name." });

    /// <summary>Makes the argument that names arrays which exist.</summary>
    public static Argument<string[]> NamesArgument()
        => Named(new Argument<string[]>("names") { Description = "The arrays' names.", Arity = ArgumentArity.OneOrMore });

    /// <summary>Makes the option for output that scripts read.</summary>
    public static Option<bool> JsonOption()
        => new("--json") { Description = "Print JSON, for scripts.", Arity = ArgumentArity.Zero };

    /// <summary>Reads a whole number, and says what is wrong without naming a C# type.</summary>
    public static int ParseInteger(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value))
        {
            result.AddError($"'{text}' is not a whole number that can be meant here.");
        }

        return value;
    }

    private static TArgument Named<TArgument>(TArgument argument)
        where TArgument : Argument
    {
        argument.HelpName = "NAME";
        argument.CompletionSources.Add(static _ => SharedArray.List().Select(static array => new CompletionItem(array.Name)));
        return argument;
    }

    // The parser takes an option that it does not know for one more argument: 'delete --al x' must not delete x.
    private static void RefuseUnknownOptions(IReadOnlyList<Token> tokens)
    {
        for (int i = 0; i < tokens.Count && tokens[i].Type != TokenType.DoubleDash; i++)
        {
            bool isValue = i > 0 && tokens[i - 1].Type == TokenType.Option;
            if (!isValue && tokens[i] is { Type: TokenType.Argument, Value: ['-', not (>= '0' and <= '9'), ..] })
            {
                throw Failures.WrongUse($"There is no option '{tokens[i].Value}'; a name that begins with '-' goes behind '--'. See 'pshm --help'.");
            }
        }
    }
}
