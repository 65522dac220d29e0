using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using PosixShm.Cli.Doctor;

namespace PosixShm.Cli;

/// <summary>The commands, and the arguments and options that they share.</summary>
internal static class CommandTree
{
    public static int Run(string[] args)
    {
        Option<string?> directory = ArrayDirectory.Option();
        RootCommand root = new("Create, list, show and delete named arrays in shared memory; their locks, and named semaphores.")
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
            ManPage.Directive(),
        };

        // '/h' and '/?' are names of arrays.
        ICollection<string> help = root.Options.OfType<HelpOption>().Single().Aliases;
        help.Clear();
        help.Add("-h");

        // Response files are disabled, because '@x' is a valid name.
        ParseResult parsed = root.Parse(args is [] ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            throw Failures.WrongUse($"{Correction(parsed) ?? parsed.Errors[^1].Message} See 'pshm --help'.");
        }

        RefuseUnknownOptions(parsed, directory);
        ArrayDirectory.Choose(parsed.GetValue(directory));

        using TextWriter output = Output.OpenText();
        return parsed.Invoke(new InvocationConfiguration
        {
            Output = output,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    /// <summary>Creates the argument for the name of an existing array.</summary>
    public static Argument<string> NameArgument() => Named(new Argument<string>("name") { Description = "The array's name." });

    /// <summary>Creates the argument for the names of existing arrays.</summary>
    public static Argument<string[]> NamesArgument()
        => Named(new Argument<string[]>("names") { Description = "The arrays' names.", Arity = ArgumentArity.OneOrMore });

    /// <summary>Creates the option for output that scripts read.</summary>
    public static Option<bool> JsonOption()
        => new("--json") { Description = "Print JSON, for scripts.", Arity = ArgumentArity.Zero };

    /// <summary>Parses an integer. Its error message does not mention a C# type.</summary>
    public static int ParseInteger(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value))
        {
            result.AddError($"'{text}' is not a valid integer.");
        }

        return value;
    }

    private static TArgument Named<TArgument>(TArgument argument)
        where TArgument : Argument
    {
        argument.HelpName = "NAME";
        argument.CompletionSources.Add(Names);
        return argument;
    }

    // The completed line may have the option --dir, too.
    private static IEnumerable<CompletionItem> Names(CompletionContext context)
    {
        ArrayDirectory.Choose(context.ParseResult.GetValue<string?>("--dir"));
        return SharedArray.List().Select(static array => new CompletionItem(array.Name));
    }

    // Returns the parser's suggestion on one line, such as "Did you mean one of the following? list", or null without one.
    private static string? Correction(ParseResult parsed)
    {
        if (parsed is not { UnmatchedTokens: [string wrong, ..], Action: ParseErrorAction action })
        {
            return null;
        }

        action.ShowHelp = false;
        using StringWriter output = new();
        _ = parsed.Invoke(new InvocationConfiguration { Output = output, Error = TextWriter.Null });
        string[] lines = output.ToString().Split("\n\n", 2)[0].Split('\n', StringSplitOptions.RemoveEmptyEntries);

        // The parser also suggests '-h' for a name of one letter.
        string[] similar = [.. lines.Skip(1).Where(line => line.StartsWith('-') == wrong.StartsWith('-'))];
        return similar.Length == 0 ? null : $"{lines[0]} {string.Join(", ", similar)}.";
    }

    // The parser treats an unknown option as one more argument, but 'delete --al x' must not delete x.
    private static void RefuseUnknownOptions(ParseResult parsed, Option everywhere)
    {
        IReadOnlyList<Token> tokens = parsed.Tokens;
        for (int i = 0; i < tokens.Count && tokens[i].Type != TokenType.DoubleDash; i++)
        {
            bool isValue = i > 0 && tokens[i - 1].Type == TokenType.Option;
            if (!isValue && tokens[i] is { Type: TokenType.Argument, Value: ['-', not (>= '0' and <= '9'), ..] unknown })
            {
                // A command without arguments leaves the option unmatched, so the parser suggests similar ones.
                Command options = new(parsed.CommandResult.Command.Name);
                options.Options.Add(everywhere);
                parsed.CommandResult.Command.Options.ToList().ForEach(options.Options.Add);
                string problem = Correction(options.Parse([unknown])) ?? $"The option '{unknown}' does not exist.";
                throw Failures.WrongUse($"{problem} A name that begins with '-' must follow '--'. See 'pshm --help'.");
            }
        }
    }
}
