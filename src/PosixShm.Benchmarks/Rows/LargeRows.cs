using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>New arrays whose memory is touched at once: what the kernel takes and clears, and one processor or several fill.</summary>
internal static class LargeRows
{
    private const int Bytes = 64 << 20;

    // What one processor does.
    private const string One = "C, one thread";

    private const double MaxRatio = 1.1;

    public static RowResult Populate(Contest contest)
    {
        string name = Scratch.NewName();
        SharedArrayOptions options = new() { Populate = true };
        return contest.Stage.Measure(
            "create + delete, 64 MiB, populated",
            [
                contest.Twin.Contender(One, "create-populated", $"{Scratch.Folder}/{name}", Bytes),
                Contender.Of(Contender.Ours, () =>
                {
                    SharedArray.Create(name, ArrayContent.Zeros<byte>(Bytes), options).Dispose();
                    SharedArray.Delete(name);
                }),
            ],
            [new Gate(MaxRatio)]);
    }

    public static RowResult Huge(Contest contest)
    {
        string name = Scratch.NewName();
        return contest.Stage.Measure(
            "create, fill + delete, 64 MiB, huge pages",
            [
                contest.Twin.Contender(One, "create-huge", $"{Scratch.Folder}/{name}", Bytes),
                CreateAndFill(Contender.Ours, new SharedArrayOptions { HugePages = true }),
                CreateAndFill("PosixShm, small pages", new SharedArrayOptions()),
            ],
            [new Gate(1.3)]);

        Contender CreateAndFill(string contender, SharedArrayOptions options) => Contender.Of(contender, () =>
        {
            using (SharedArray<byte> array = SharedArray.Create(name, ArrayContent.Zeros<byte>(Bytes), options))
            {
                array.Fill(1);
            }

            SharedArray.Delete(name);
        });
    }

    public static RowResult From(Contest contest)
    {
        string name = Scratch.NewName();
        double[] elements = new double[Bytes / sizeof(double)];
        elements.AsSpan().Fill(1);
        return contest.Stage.Measure(
            "create from elements + delete, 64 MiB",
            [
                contest.Twin.Contender(One, "create-from", $"{Scratch.Folder}/{name}", Bytes),
                Contender.Of(Contender.Ours, () =>
                {
                    SharedArray.Create(name, ArrayContent.From(elements)).Dispose();
                    SharedArray.Delete(name);
                }),
                contest.Python.Contender("numpy.save", "save", $"{Scratch.Folder}/{name}", Bytes),
            ],
            [new Gate(MaxRatio)]);
    }
}
