namespace PosixShm.Cli;

/// <summary>The one door from exception to exit code and message.</summary>
internal static class Failures
{
    /// <summary>Runs a command; if it fails, says why in one line and returns the exit code for that.</summary>
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

    /// <summary>Makes the exception for a command line that does not make sense.</summary>
    public static ArgumentException WrongUse(string message) => new(message);

    // What is not listed is a fault of ours, and keeps its stack trace.
    private static int ExitCodeOf(Exception error) => error switch
    {
        ArgumentException => ExitCode.WrongUse,
        IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException or DllNotFoundException
            or TimeoutException or SemaphoreFullException => ExitCode.Failed,
        _ => ExitCode.Done,
    };

    // The name of a C# parameter tells nobody anything here.
    private static string MessageOf(Exception error) => error is ArgumentException { ParamName: string parameter }
        ? error.Message.Replace($" (Parameter '{parameter}')", string.Empty, StringComparison.Ordinal)
        : error.Message;
}
