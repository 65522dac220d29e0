using System.Diagnostics;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Whole processes, from their start to their end.</summary>
internal static class CommandRows
{
    public static RowResult Start(Contest contest) => contest.Stage.Measure(
        "pshm list of a folder without arrays, whole process",
        [
            Process("python3 -c 'import numpy'", contest.Tools.Python, "-c", "import numpy"),
            Process(Contender.Ours, contest.Tools.Command, "list"),
            Process("python3 -c ''", contest.Tools.Python, "-c", string.Empty),
            Process("C", contest.Tools.Twin, "list", "1", Scratch.Folder),
        ],
        [new Gate(1.0)]);

    private static Contender Process(string name, string program, params string[] arguments) => Contender.Of(name, () =>
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true };
        using Process process = System.Diagnostics.Process.Start(start)!;
        _ = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{program}' ended with {process.ExitCode}.");
        }
    });
}
