namespace PosixShm.Cli;

/// <summary>What the command tells the shell. Of several, the largest counts.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUse = 2;
}
