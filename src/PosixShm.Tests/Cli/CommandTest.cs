namespace PosixShm.Tests;

/// <summary>A test of the <c>pshm</c> command, as a process.</summary>
internal abstract class CommandTest : NamedTest
{
    /// <summary>Runs the command to its good end, and returns what it printed.</summary>
    protected static string Pshm(params IEnumerable<string> args) => ChildProcess.Run(Repository.Command, args);

    /// <summary>
    /// Runs the command, which must fail with this exit code, one line of error and no output; returns the line's message.
    /// </summary>
    protected static string Fail(int exitCode, params IEnumerable<string> args)
    {
        using ChildProcess command = ChildProcess.Start(Repository.Command, args);
        int actual = command.WaitForExit();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(actual, Is.EqualTo(exitCode), command.Errors);
            Assert.That(command.Output, Is.Empty);
            Assert.That(command.Errors, Does.StartWith("pshm: ").And.Not.Contain('\n'));
        }

        return command.Errors["pshm: ".Length..];
    }

    /// <summary>Runs a bash script in which <c>$pshm</c> is the command and <c>$1</c> and so on are the arguments.</summary>
    protected static string Shell(string script, params IEnumerable<string> args)
        => ChildProcess.Run("bash", ["-c", $"set -euo pipefail; pshm='{Repository.Command}'; {script}", "bash", .. args]).TrimEnd('\n');
}
