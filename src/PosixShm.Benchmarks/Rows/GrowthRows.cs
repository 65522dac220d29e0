using System.Numerics.Tensors;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>The growth of times with the number of arrays, their size, the attachments and the processes.</summary>
internal static class GrowthRows
{
    private const long KiB = 1L << 10;
    private const long MiB = 1L << 20;
    private const long GiB = 1L << 30;

    private static double s_result;

    public static Growth List(Contest contest)
    {
        using Folder folder = new(0);
        return Growth.Join("list", "arrays", Measured(contest.IsShort ? [10, 1_000, 10_000] : [10, 1_000, 10_000, 50_000], count =>
        {
            folder.GrowTo((int)count);
            return contest.Growth.Measure(
                $"list {count} arrays",
                [
                    contest.Twin.Contender(SegmentRows.SameCalls, "list", Scratch.Folder),
                    Contender.Of(Contender.Ours, static () => _ = SharedArray.List()),
                ],
                []);
        }));
    }

    public static Growth CreateSparse(Contest contest)
        => Create(contest, "create + delete, sparse", preallocate: false, [KiB, 64 * KiB, MiB, 64 * MiB, GiB, 4 * GiB]);

    public static Growth CreateReserved(Contest contest)
    {
        long[] sizes = contest.IsShort ? [KiB, 64 * KiB, MiB, 16 * MiB] : [KiB, 64 * KiB, MiB, 64 * MiB, GiB];
        return Create(contest, "create + delete, preallocated", preallocate: true, sizes);
    }

    public static Growth Attach(Contest contest)
        => Growth.Join("attach + detach", "bytes", Measured([KiB, 64 * KiB, MiB, 64 * MiB, GiB, 4 * GiB], bytes =>
        {
            using Scratch scratch = new(bytes, preallocate: false);
            return contest.Growth.Measure(
                $"attach {bytes} bytes",
                [
                    contest.Twin.Contender(SegmentRows.SameCalls, "attach", scratch.Path),
                    Contender.Of(Contender.Ours, () => SharedArray.Attach<double>(scratch.Name).Dispose()),
                ],
                []);
        }));

    public static Growth Attachments(Contest contest)
    {
        using Scratch scratch = new(MiB);
        return Growth.Join("attach + detach, of many at once", "attachments", Measured([1, 10, 100, 1_000], count =>
        {
            UntypedSharedArray[] all = new UntypedSharedArray[count];
            return contest.Growth.Measure(
                $"{count} attachments",
                [
                    contest.Twin.Contender(SegmentRows.SameCalls, "attach-many", scratch.Path, count),
                    Contender.Of(Contender.Ours, () =>
                    {
                        for (int i = 0; i < all.Length; i++)
                        {
                            all[i] = SharedArray.Attach<double>(scratch.Name);
                        }

                        Array.ForEach(all, static array => array.Dispose());
                    }),
                ],
                [],
                count);
        }));
    }

    /// <summary>Joins the rows of 1, 2, 4 and 8 processes, if all were measured.</summary>
    public static IEnumerable<Growth> Lock(IReadOnlyList<RowResult> contended)
    {
        IEnumerable<(double, RowResult)> rows = contended.Select(static (row, i) => ((double)(1 << i), row));
        return contended.Count < 4 ? [] : [Growth.Join("lock + unlock, contended", "processes", rows)];
    }

    public static Growth Sum(Contest contest)
    {
        long[] sizes = contest.IsShort ? [KiB, 32 * KiB, MiB, 16 * MiB, 64 * MiB] : [KiB, 32 * KiB, MiB, 16 * MiB, 64 * MiB, GiB, 4 * GiB];
        return Growth.Join("sum of float64", "bytes", isBandwidth: true, rows: Measured(sizes, bytes =>
        {
            using Scratch scratch = new(bytes);
            scratch.Array.Fill(1);
            return contest.Growth.Measure(
                $"sum of {bytes} bytes",
                [
                    contest.Twin.Contender("C", "sum", scratch.Path, bytes),
                    Contender.Of(Contender.Ours, () => s_result = TensorPrimitives.Sum<double>(scratch.Array.Span)),
                    contest.Python.Contender("numpy", "sum", scratch.Path, bytes),
                ],
                []);
        }));
    }

    private static Growth Create(Contest contest, string title, bool preallocate, long[] sizes)
    {
        string name = Scratch.NewName();
        SharedArrayOptions options = new() { Preallocate = preallocate };
        return Growth.Join(title, "bytes", Measured(sizes, bytes => contest.Growth.Measure(
            $"{title}, {bytes} bytes",
            [
                contest.Twin.Contender(
                    SegmentRows.SameCalls, preallocate ? "create-reserved" : "create-sparse", $"{Scratch.Folder}/{name}", bytes),
                Contender.Of(Contender.Ours, () =>
                {
                    SharedArray.Create(name, ArrayContent.Zeros<double>(bytes / sizeof(double)), options).Dispose();
                    SharedArray.Delete(name);
                }),
            ],
            [])));
    }

    private static IEnumerable<(double Size, RowResult Row)> Measured(long[] sizes, Func<long, RowResult> measure)
        => sizes.Select(size => ((double)size, measure(size)));
}
