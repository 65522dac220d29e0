using System.Buffers.Binary;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>An array for one measurement.</summary>
internal sealed class Scratch : IDisposable
{
    public const string Folder = "/dev/shm";

    public Scratch(long bytes, bool preallocate = true)
    {
        SharedArrayOptions options = new() { Preallocate = preallocate };
        Array = SharedArray.Create(Name, ArrayContent.Zeros<double>(bytes / sizeof(double)), options);
    }

    public string Name { get; } = NewName();

    public string Path => $"{Folder}/{Name}";

    public SharedArray<double> Array { get; }

    /// <summary>Gets the offset of the elements in the file, for a contender that reads no header.</summary>
    public long DataOffset
    {
        get
        {
            Span<byte> prefix = stackalloc byte[10];
            using FileStream file = File.OpenRead(Path);
            file.ReadExactly(prefix);
            return prefix.Length + BinaryPrimitives.ReadUInt16LittleEndian(prefix[8..]);
        }
    }

    public static string NewName() => $"bench-{Environment.ProcessId}-{Guid.NewGuid():N}";

    public static string NewPath() => $"{Folder}/{NewName()}";

    public void Dispose()
    {
        Array.Dispose();
        SharedArray.Delete(Name);
    }
}
