using System.IO.MemoryMappedFiles;
using System.Numerics.Tensors;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Reads and writes of elements, which measure the compiler and the memory, without system calls.</summary>
internal static class AccessRows
{
    // 16 KiB are in the first cache, so the time of memory does not count.
    private const int Elements = 1 << 11;

    private static double s_result;

    public static RowResult Read(Contest contest)
    {
        using Scratch scratch = new(Elements * sizeof(double));
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(scratch.Path, FileMode.Open);
        using MemoryMappedViewAccessor view = file.CreateViewAccessor(scratch.DataOffset, Elements * sizeof(double));
        double[] managed = new double[Elements];
        return contest.Stage.Measure(
            "element read in a loop",
            [
                Contender.Of("double[]", () => s_result = Loops.Sum(managed)),
                Contender.Of("PosixShm, Span", () => s_result = Loops.Sum(scratch.Array.Span)),
                Contender.Of("PosixShm, indexer", () => s_result = Loops.Sum(scratch.Array)),
                Contender.Of("MemoryMappedViewAccessor", () => s_result = Loops.Sum(view, Elements)),
            ],
            [new Gate(1.1, Who: "PosixShm, Span"), new Gate(1.1, Who: "PosixShm, indexer")],
            Elements);
    }

    public static RowResult Update(Contest contest)
    {
        using Scratch scratch = new(Elements * sizeof(double));
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(scratch.Path, FileMode.Open);
        using MemoryMappedViewAccessor view = file.CreateViewAccessor(scratch.DataOffset, Elements * sizeof(double));
        double[] managed = new double[Elements];
        return contest.Stage.Measure(
            "element update in a loop",
            [
                Contender.Of("double[]", () => Loops.Increment(managed)),
                Contender.Of("PosixShm, Span", () => Loops.Increment(scratch.Array.Span)),
                Contender.Of("PosixShm, indexer", () => Loops.Increment(scratch.Array)),
                Contender.Of("MemoryMappedViewAccessor", () => Loops.Increment(view, Elements)),
            ],
            [new Gate(1.1, Who: "PosixShm, Span")],
            Elements);
    }

    public static RowResult Copy(Contest contest)
    {
        const int Bytes = 64 << 20;
        using Scratch scratch = new(Bytes);
        scratch.Array.Fill(1);
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(scratch.Path, FileMode.Open);
        using MemoryMappedViewAccessor view = file.CreateViewAccessor(scratch.DataOffset, Bytes);
        double[] source = new double[Bytes / sizeof(double)];
        double[] target = new double[Bytes / sizeof(double)];
        source.AsSpan().Fill(1);
        return contest.Stage.Measure(
            "bulk copy, 64 MiB",
            [
                contest.Twin.Contender("C memcpy", "copy", scratch.Path, Bytes),
                Contender.Of(Contender.Ours, () => scratch.Array.CopyTo(target)),
                Contender.Of("double[], Span.CopyTo", () => source.AsSpan().CopyTo(target)),
                Contender.Of("accessor ReadArray", () => view.ReadArray(0, target, 0, target.Length)),
                contest.Python.Contender("numpy.copyto", "copy", scratch.Path),
            ],
            [new Gate(1.1)]);
    }

    public static RowResult Total(Contest contest)
    {
        const int Bytes = 8 << 20;
        using Scratch scratch = new(Bytes);
        double[] managed = new double[Bytes / sizeof(double)];
        scratch.Array.Fill(1);
        managed.AsSpan().Fill(1);
        return contest.Stage.Measure(
            "sum of 8 MiB float64",
            [
                Contender.Of("double[], TensorPrimitives", () => s_result = TensorPrimitives.Sum<double>(managed)),
                Contender.Of(Contender.Ours, () => s_result = TensorPrimitives.Sum<double>(scratch.Array.Span)),
                contest.Twin.Contender("C", "sum", scratch.Path, Bytes),
                contest.Python.Contender("numpy", "sum", scratch.Path, Bytes),
            ],
            [new Gate(1.1), new Gate(1.0, "numpy")]);
    }
}
