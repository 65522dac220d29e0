using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Micro;

/// <summary>Copies of whole arrays, small to larger than the caches.</summary>
public class CopyBenchmarks
{
    private Scratch? _scratch;
    private byte[] _source = [];
    private byte[] _target = [];

    [Params(64, 16 << 10, 1 << 20, 64 << 20)]
    public int Bytes { get; set; }

    private SharedArray<double> Array => _scratch!.Array;

    [GlobalSetup]
    public void Create()
    {
        _scratch = new Scratch(Bytes);
        Array.Fill(1);
        _source = new byte[Bytes];
        _source.AsSpan().Fill(1);
        _target = new byte[Bytes];
    }

    [GlobalCleanup]
    public void Delete() => _scratch!.Dispose();

    [Benchmark(Baseline = true, Description = "copy: byte[], Span.CopyTo")]
    public void CopyManaged() => _source.AsSpan().CopyTo(_target);

    [Benchmark(Description = "copy: CopyTo, guarded")]
    public void CopyTo() => Array.CopyTo(MemoryMarshal.Cast<byte, double>(_target.AsSpan()));

    [Benchmark(Description = "copy: Span.CopyTo, not guarded")]
    public void CopySpan() => Array.Bytes.CopyTo(_target);
}
