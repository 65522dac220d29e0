using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Arrays saved to files and loaded from them, against a copy of the file. All files are in memory, so that no disk is
/// measured.</summary>
internal static class FileRows
{
    private const int Bytes = 64 << 20;
    private const double Most = 1.1;

    public static RowResult Save(Contest contest)
    {
        using Scratch scratch = new(Bytes);
        scratch.Array.Fill(1);
        string path = Scratch.NewPath();
        return contest.Stage.Measure(
            "save to a file + delete, 64 MiB",
            [
                contest.Twin.Contender("cp", "copy-file", scratch.Path),
                Contender.Of(Contender.Ours, () =>
                {
                    scratch.Array.Save(path);
                    File.Delete(path);
                }),
                contest.Python.Contender("numpy.save", "save", Scratch.NewPath(), Bytes),
            ],
            [new Gate(Most)]);
    }

    public static RowResult Load(Contest contest)
    {
        string path = Scratch.NewPath();
        string name = Scratch.NewName();
        try
        {
            _ = contest.Twin.Run("create-kept", 1, path, Bytes);
            return contest.Stage.Measure(
                "load from a file + delete, 64 MiB",
                [
                    contest.Twin.Contender("cp", "copy-file", path),
                    Contender.Of(Contender.Ours, () =>
                    {
                        SharedArray.Create(name, ArrayContent.Load<double>(path)).Dispose();
                        SharedArray.Delete(name);
                    }),
                ],
                [new Gate(Most)]);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
