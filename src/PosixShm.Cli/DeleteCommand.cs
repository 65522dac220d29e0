using System.CommandLine;

namespace PosixShm.Cli;

/// <summary><c>pshm delete NAME...</c>.</summary>
internal static class DeleteCommand
{
    public static Command Define()
    {
        Argument<string[]> names = CommandTree.NamesArgument();
        Command command = new("delete", "Delete arrays. Processes that use one keep it until they end or detach it.") { names };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(names)));
        return command;
    }

    // All are tried: a leftover that cannot be deleted must not protect the others.
    private static int Run(string[] names) => names.Max(static name => Failures.Guard(() => Delete(name)));

    private static int Delete(string name)
    {
        SharedArray.Delete(name);
        return ExitCode.Done;
    }
}
