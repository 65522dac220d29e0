using System.CommandLine;
using System.Globalization;
using PosixShm.Posix;

namespace PosixShm.Cli;

/// <summary><c>pshm prune [PATTERN] [--older-than AGE] [--delete] [--json]</c>, and the same of <c>pshm semaphore</c>.</summary>
internal static class PruneCommand
{
    public static Command Define() => Define(
        "List leftovers, which are arrays that no live process has attached, or delete them. An array is deleted only if the kernel "
        + "reports no other open file or mapping of it, in any container. For another user's array it reports that to root only, and not "
        + "inside a user namespace: programs without PosixShm (numpy) in other PID namespaces are then not seen.",
        static (options, delete, json)
            => ListCommand.Write(delete ? SharedArray.DeleteStale(options) : SharedArray.FindStale(options), json));

    public static Command DefineForSemaphores() => Define(
        "List leftovers of processes that were killed while they created a semaphore, with names of six letters or digits; or delete "
        + "those that are certainly leftovers.",
        static (options, delete, json)
            => SemaphoreCommand.Write(delete ? NamedSemaphore.DeleteStale(options) : NamedSemaphore.FindStale(options), json));

    private static Command Define(string description, Action<StaleOptions, bool, bool> prune)
    {
        Argument<string> pattern = new("pattern")
        {
            HelpName = "PATTERN",
            Description = "The pattern of the names: * matches any text, ? any character.",
            DefaultValueFactory = static _ => "*",
        };
        Option<string> age = new("--older-than")
        {
            HelpName = "AGE",
            Description = "The minimum age, as in 90s, 30m, 2h, 7d, since the creation; or since the last change if that is unknown.",
            DefaultValueFactory = static _ => "0s",
        };
        Option<bool> delete = new("--delete")
        {
            Description = "Delete the leftovers, which are only listed without this option.",
            Arity = ArgumentArity.Zero,
        };
        Option<bool> json = CommandTree.JsonOption();
        Command command = new("prune", description) { pattern, age, delete, json };
        command.SetAction(parsed => Run(
            new StaleOptions
            {
                Pattern = parsed.GetRequiredValue(pattern),
                MinimumAge = ParseAge(parsed.GetRequiredValue(age)),
            },
            parsed.GetValue(delete),
            parsed.GetValue(json),
            prune));
        return command;
    }

    private static int Run(StaleOptions options, bool delete, bool json, Action<StaleOptions, bool, bool> prune)
    {
        prune(options, delete, json);
        return ExitCode.Done;
    }

    private static TimeSpan ParseAge(string text)
    {
        double seconds = text is [.., char unit]
            && double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
                ? count * unit switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => double.NaN }
                : double.NaN;
        return seconds <= TimeSpan.MaxValue.TotalSeconds / 2
            ? TimeSpan.FromSeconds(seconds)
            : throw Failures.WrongUse($"'{text}' is not an age: use a number and s, m, h or d, as in 2h.");
    }
}
