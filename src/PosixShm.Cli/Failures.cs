namespace PosixShm.Cli;

/// <summary>Converts exceptions to exit codes and messages.</summary>
internal static class Failures
{
    /// <summary>Runs a command. If it fails, prints the reason on one line and returns the exit code.</summary>
    public static int Guard(Func<int> command)
    {
        try
        {
            return command();
        }
        catch (Exception error) when (ExitCodeOf(error) is not ExitCode.Done)
        {
            using TextWriter errors = Output.OpenErrors();
            errors.WriteLine($"pshm: {Printable.Of(MessageOf(error))}");
            return ExitCodeOf(error);
        }
    }

    /// <summary>Creates the exception for an invalid command line.</summary>
    public static ArgumentException WrongUse(string message) => new(message);

    // An exception that is not listed is a defect of the command, and keeps its stack trace.
    private static int ExitCodeOf(Exception error) => error switch
    {
        ArgumentException => ExitCode.WrongUse,
        IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException or DllNotFoundException
            or TimeoutException or SemaphoreFullException => ExitCode.Failed,
        _ => ExitCode.Done,
    };

    // The name of a C# parameter means nothing to users of the command.
    private static string MessageOf(Exception error) => error is ArgumentException { ParamName: string parameter }
        ? error.Message.Replace($" (Parameter '{parameter}')", string.Empty, StringComparison.Ordinal)
        : error.Message;
}
