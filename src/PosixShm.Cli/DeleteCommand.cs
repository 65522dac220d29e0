using System.CommandLine;

namespace PosixShm.Cli;

/// <summary><c>pshm delete NAME...</c>.</summary>
internal static class DeleteCommand
{
    public static Command Define()
    {
        Argument<string[]> names = CommandTree.NamesArgument();
        Command command = new("delete", "Delete arrays. Processes that have one attached keep it until they detach it or exit.") { names };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(names)));
        return command;
    }

    // A failure does not end the command, so that one leftover cannot protect the others.
    private static int Run(string[] names) => names.Max(static name => Failures.Guard(() => Delete(name)));

    private static int Delete(string name)
    {
        SharedArray.Delete(name);
        return ExitCode.Done;
    }
}
