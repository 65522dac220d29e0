using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>
/// The words of a stream of frames whose control page is the end of its file. The offsets are those of docs/FORMAT.md, written a second
/// time, so that the tests do not depend on the library's constants.
/// </summary>
internal readonly record struct FrameCounters(ulong Head, ulong Reserved, uint Owner, uint Sleepers)
{
    private const int PageSize = 4096;
    private const int Line = 64;

    /// <summary>Reads the words.</summary>
    public static FrameCounters Read(string path)
    {
        using FileStream file = Open(path, FileAccess.Read);
        Span<byte> line = stackalloc byte[24];
        file.ReadExactly(line);
        return new(
            MemoryMarshal.Read<ulong>(line),
            MemoryMarshal.Read<ulong>(line[8..]),
            MemoryMarshal.Read<uint>(line[16..]),
            MemoryMarshal.Read<uint>(line[20..]));
    }

    /// <summary>Overwrites the words.</summary>
    public void Write(string path)
    {
        using FileStream file = Open(path, FileAccess.Write);
        file.Write(BitConverter.GetBytes(Head));
        file.Write(BitConverter.GetBytes(Reserved));
        file.Write(BitConverter.GetBytes(Owner));
        file.Write(BitConverter.GetBytes(Sleepers));
    }

    private static FileStream Open(string path, FileAccess access)
    {
        FileStream file = new(path, FileMode.Open, access, FileShare.ReadWrite, bufferSize: 0);
        file.Position = file.Length - PageSize + Line;
        return file;
    }
}
