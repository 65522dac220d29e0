using System.CommandLine;
using System.Globalization;

namespace PosixShm.Cli;

/// <summary><c>pshm prune [PATTERN] [--older-than AGE] [--delete] [--json]</c>.</summary>
internal static class PruneCommand
{
    public static Command Define()
    {
        Argument<string> pattern = new("pattern")
        {
            HelpName = "PATTERN",
            Description = "What their names look like: * stands for any text, ? for any letter.",
            DefaultValueFactory = static _ => "*",
        };
        Option<string> age = new("--older-than")
        {
            HelpName = "AGE",
            Description = "Only what was created so long ago, as in 90s, 30m, 2h, 7d.",
            DefaultValueFactory = static _ => "0s",
        };
        Option<bool> delete = new("--delete") { Description = "Delete them; without it, they are only listed.", Arity = ArgumentArity.Zero };
        Option<bool> json = CommandTree.JsonOption();
        Command command = new("prune", "List leftovers, arrays that no live process has attached, or delete them.")
        {
            pattern, age, delete, json,
        };
        command.SetAction(parsed => Run(
            new PruneOptions
            {
                Pattern = parsed.GetRequiredValue(pattern),
                MinimumAge = ParseAge(parsed.GetRequiredValue(age)),
                DryRun = !parsed.GetValue(delete),
            },
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(PruneOptions options, bool json)
    {
        ListCommand.Write(SharedArray.Prune(options), json);
        return ExitCode.Done;
    }

    private static TimeSpan ParseAge(string text)
    {
        double seconds = text is [.., char unit] && double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            ? count * unit switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => double.NaN }
            : double.NaN;
        return seconds <= TimeSpan.MaxValue.TotalSeconds / 2
            ? TimeSpan.FromSeconds(seconds)
            : throw Failures.WrongUse($"'{text}' is not an age: use a number and s, m, h or d, as in 2h.");
    }
}
