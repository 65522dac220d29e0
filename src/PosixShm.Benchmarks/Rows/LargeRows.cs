using System.Numerics.Tensors;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>New arrays whose memory is accessed at once: the kernel allocates and clears it, and one or several processors fill
/// it.</summary>
internal static class LargeRows
{
    private const int MiB = 1 << 20;
    private const int Bytes = 64 * MiB;
    private const int MostBytes = 512 * MiB;

    // The work of one processor, in small pages.
    private const string One = "C, one thread";
    private const string Reserved = "C, fallocate";

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

    public static RowResult Fill2(Contest contest) => Fill(contest, contest.Stage, 2, 0.2, []);

    public static RowResult Fill8(Contest contest) => Fill(contest, contest.Stage, 8, 0.2, []);

    public static RowResult Fill64(Contest contest) => Fill(contest, contest.Stage, 64, 0.2, []);

    public static RowResult Fill512(Contest contest)
        => Fill(contest, contest.Large, 512, 0.25, [contest.Python.Contender("numpy.save", "save", Scratch.NewPath(), MostBytes)]);

    /// <summary>Measures the first sum over a new attachment: page faults, and reads of the memory.</summary>
    public static RowResult FirstSum(Contest contest)
    {
        string reserved = Scratch.NewPath();
        try
        {
            _ = contest.Twin.Run("create-kept", 1, reserved, MostBytes);
            using Scratch scratch = new(MostBytes);
            scratch.Array.Fill(1);
            return contest.Large.Measure(
                "attach + first sum, 512 MiB",
                [
                    contest.Twin.Contender(Reserved, "first-sum", reserved, MostBytes),
                    Contender.Of(Contender.Ours, () =>
                    {
                        using SharedArray<double> array = SharedArray.Attach<double>(scratch.Name);
                        _ = TensorPrimitives.Sum<double>(array.Span);
                    }),
                    contest.Python.Contender("numpy.load + sum", "first-sum", reserved),
                ],
                [Huge(0.6)]);
        }
        finally
        {
            File.Delete(reserved);
        }
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

    private static RowResult Fill(Contest contest, Stage stage, int size, double most, IReadOnlyList<Contender> others)
    {
        string name = Scratch.NewName();
        return stage.Measure(
            $"create, fill + delete, {size} MiB",
            [
                contest.Twin.Contender(Reserved, "create-filled", Scratch.NewPath(), (long)size * MiB),
                Contender.Of(Contender.Ours, () =>
                {
                    using (SharedArray<byte> array = SharedArray.Create<byte>(name, size * MiB))
                    {
                        array.Fill(1);
                    }

                    SharedArray.Delete(name);
                }),
                .. others,
            ],
            [Huge(most)]);
    }

    // Without huge pages, which need Linux 6.1, the library makes the same calls as C.
    private static Gate Huge(double most)
    {
        using Scratch scratch = new(4 * MiB);
        return new Gate(scratch.Array.Compact() > 0 ? most : 1.0);
    }
}
