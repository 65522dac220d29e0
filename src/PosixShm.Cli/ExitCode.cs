namespace PosixShm.Cli;

/// <summary>The exit codes. A command with several results returns the largest one.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUse = 2;
}
