using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Micro;

/// <summary>Sums and updates of 2,048 elements: 16 KiB, in the first cache.</summary>
public class AccessBenchmarks
{
    private const int Elements = 2_048;

    private readonly double[] _managed = new double[Elements];
    private Scratch? _scratch;

    private SharedArray<double> Array => _scratch!.Array;

    [GlobalSetup]
    public void Create() => _scratch = new Scratch(Elements * sizeof(double));

    [GlobalCleanup]
    public void Delete() => _scratch!.Dispose();

    [Benchmark(Baseline = true, OperationsPerInvoke = Elements, Description = "read: double[]")]
    public double ReadManaged() => Loops.Sum(_managed);

    [Benchmark(OperationsPerInvoke = Elements, Description = "read: Span")]
    public double ReadSpan() => Loops.Sum(Array.Span);

    [Benchmark(OperationsPerInvoke = Elements, Description = "read: indexer")]
    public double ReadIndexer() => Loops.Sum(Array);

    [Benchmark(OperationsPerInvoke = Elements, Description = "read: TensorPrimitives.Sum")]
    public double ReadVectorised() => TensorPrimitives.Sum<double>(Array.Span);

    [Benchmark(OperationsPerInvoke = Elements, Description = "update: double[]")]
    public void UpdateManaged() => Loops.Increment(_managed);

    [Benchmark(OperationsPerInvoke = Elements, Description = "update: Span")]
    public void UpdateSpan() => Loops.Increment(Array.Span);

    [Benchmark(OperationsPerInvoke = Elements, Description = "update: indexer")]
    public void UpdateIndexer() => Loops.Increment(Array);
}
