namespace PosixShm.Tests;

/// <summary>
/// The lock words of an array whose control page is the end of its file. The offsets are those of docs/FORMAT.md, written a second
/// time, so that the tests do not depend on the library's constants.
/// </summary>
internal static class LockWords
{
    /// <summary>The offset of the first lock word in the control page.</summary>
    public const int First = 2112;

    /// <summary>The distance of two lock words.</summary>
    public const int Step = 64;

    private const int PageSize = 4096;

    /// <summary>Returns the offset of the first lock word in a file.</summary>
    public static long OffsetIn(string path) => new FileInfo(path).Length - PageSize + First;

    /// <summary>Reads the word of a lock. Its sign bit is the WAITERS bit.</summary>
    public static int Read(string path, int index = 0)
    {
        using FileStream file = Open(path, FileAccess.Read);
        file.Position = OffsetIn(path) + (index * Step);
        Span<byte> word = stackalloc byte[sizeof(int)];
        file.ReadExactly(word);
        return BitConverter.ToInt32(word);
    }

    /// <summary>Reads the number of waiters for a change.</summary>
    public static int ReadWaitersForChange(string path)
    {
        const int Waiters = 2052;
        using FileStream file = Open(path, FileAccess.Read);
        file.Position = new FileInfo(path).Length - PageSize + Waiters;
        Span<byte> word = stackalloc byte[sizeof(int)];
        file.ReadExactly(word);
        return BitConverter.ToInt32(word);
    }

    /// <summary>Returns the address of the first lock word of an array whose elements and header are shorter than a page.</summary>
    public static unsafe int* AddressIn(SharedArray<int> array)
        => (int*)(array.Address - (nint)array.DataOffset + PageSize + First);

    /// <summary>Overwrites the word of the first lock.</summary>
    public static void Write(string path, int word)
    {
        using FileStream file = Open(path, FileAccess.Write);
        file.Position = OffsetIn(path);
        file.Write(BitConverter.GetBytes(word));
    }

    private static FileStream Open(string path, FileAccess access)
        => new(path, FileMode.Open, access, FileShare.ReadWrite, bufferSize: 0);
}
