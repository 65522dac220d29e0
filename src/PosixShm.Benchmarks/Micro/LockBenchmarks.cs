using BenchmarkDotNet.Attributes;
using PosixShm.Benchmarks.Measuring;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Micro;

/// <summary>Locks and leases that one thread acquires and releases.</summary>
public class LockBenchmarks
{
    private readonly object _monitor = new();
    private readonly Lock _managed = new();
    private Scratch? _scratch;
    private SharedLock _shared;

    [GlobalSetup]
    public void Create()
    {
        _scratch = new Scratch(Arena.Size);
        _shared = _scratch.Array.Lock;
    }

    [GlobalCleanup]
    public void Delete() => _scratch!.Dispose();

    [Benchmark(Baseline = true, Description = "lock: Monitor")]
    public void EnterMonitor()
    {
        Monitor.Enter(_monitor);
        Monitor.Exit(_monitor);
    }

    [Benchmark(Description = "lock: System.Threading.Lock")]
    public void EnterManaged()
    {
        _managed.Enter();
        _managed.Exit();
    }

    [Benchmark(Description = "lock: SharedLock")]
    public void EnterShared()
    {
        _shared.Enter();
        _shared.Exit();
    }

    [Benchmark(Description = "lock: SharedLock, EnterScope")]
    public void EnterSharedScope() => _shared.EnterScope().Dispose();

    [Benchmark(Description = "lease of an array")]
    public void Lease() => _scratch!.Array.Acquire().Dispose();
}
