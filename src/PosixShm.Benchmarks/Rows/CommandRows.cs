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

    public static RowResult Delete(Contest contest)
    {
        string name = Scratch.NewName();
        return contest.Stage.Measure(
            "pshm delete of an array, whole process",
            [
                Process("python3 -c 'import numpy'", contest.Tools.Python, "-c", "import numpy"),
                OfAnArray(Process(Contender.Ours, contest.Tools.Command, "delete", name)),
                OfAnArray(Process("C", contest.Tools.Twin, "delete", "1", $"{Scratch.Folder}/{name}")),
            ],
            [new Gate(1.0)]);

        // Which is made anew each time; that is not measured.
        Contender OfAnArray(Contender command) => new(command.Name, count =>
        {
            double all = 0;
            for (long i = 0; i < count; i++)
            {
                SharedArray.Create(name, 1).Dispose();
                all += command.Run(1);
            }

            return all;
        });
    }

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
