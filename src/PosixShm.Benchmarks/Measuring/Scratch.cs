namespace PosixShm.Benchmarks.Measuring;

/// <summary>An array that is there for a measurement.</summary>
internal sealed class Scratch : IDisposable
{
    public const string Folder = "/dev/shm";

    /// <summary>What lies before the elements: a contender that knows no arrays begins there.</summary>
    public const int DataOffset = 4096;

    public Scratch(long bytes, bool preallocate = true, int locks = 1)
    {
        Array = SharedArray.Create<double>(Name, new SharedArrayOptions { Preallocate = preallocate, Locks = locks }, bytes / sizeof(double));
    }

    public string Name { get; } = NewName();

    public string Path => $"{Folder}/{Name}";

    public SharedArray<double> Array { get; }

    public static string NewName() => $"bench-{Environment.ProcessId}-{Guid.NewGuid():N}";

    public void Dispose()
    {
        Array.Dispose();
        SharedArray.Delete(Name);
    }
}
