using System.Diagnostics;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Whole processes, from their start to their end.</summary>
internal static class CommandRows
{
    private const string Numpy = "python3 -c 'import numpy'";

    public static RowResult Start(Contest contest) => contest.Stage.Measure(
        "pshm list of a directory without arrays, whole process",
        [
            Contender.Of(Numpy, () => Run(contest.Tools.Python, "-c", "import numpy")),
            Contender.Of(Contender.Ours, () => Run(contest.Tools.Command, "list")),
            Contender.Of("python3 -c ''", () => Run(contest.Tools.Python, "-c", string.Empty)),
            Contender.Of("C", () => Run(contest.Tools.Twin, "list", "1", Scratch.Folder)),
        ],
        [new Gate(1.0)]);

    public static RowResult Delete(Contest contest)
    {
        string name = Scratch.NewName();
        return contest.Stage.Measure(
            "pshm delete of an array, whole process",
            [
                Contender.Of(Numpy, () => Run(contest.Tools.Python, "-c", "import numpy")),
                OfAnArray(Contender.Ours, () => Run(contest.Tools.Command, "delete", name)),
                OfAnArray("C", () => Run(contest.Tools.Twin, "delete", "1", $"{Scratch.Folder}/{name}")),
            ],
            [new Gate(1.0)]);

        Contender OfAnArray(string contender, Action delete) => Contender.Between(
            contender,
            () =>
            {
                SharedArray.Create(name, 1).Dispose();
                return delete;
            },
            static delete => delete(),
            static _ => { });
    }

    private static void Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        _ = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{program}' ended with {process.ExitCode}.");
        }
    }
}
