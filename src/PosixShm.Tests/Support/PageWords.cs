namespace PosixShm.Tests;

/// <summary>
/// The words of a control page that is the end of its file. The offsets are those of docs/FORMAT.md, written a second time, so that the
/// tests do not depend on the library's constants.
/// </summary>
internal static class PageWords
{
    /// <summary>The reader-writer lock: the writer.</summary>
    public const int Writer = 128;

    /// <summary>Whether the writer may have begun to store.</summary>
    public const int Inside = 132;

    /// <summary>Whether the writer may be asleep on a slot.</summary>
    public const int Draining = 136;

    /// <summary>Whether readers ask writers to pause.</summary>
    public const int Turn = 140;

    private const int PageSize = 4096;

    /// <summary>Returns the offset of a slot, from 1.</summary>
    public static int Slot(int slot) => 252 + (4 * slot);

    /// <summary>Returns the number of readers in each slot that has any.</summary>
    public static int[] Readers(string path)
        => [.. Enumerable.Range(1, 448).Select(slot => Read(path, Slot(slot)) >>> 21).Where(readers => readers > 0)];

    /// <summary>Returns the slot whose word has a generation, in a file with one attachment that uses locks.</summary>
    public static int OnlySlot(string path) => Enumerable.Range(1, 448).Single(slot => Read(path, Slot(slot)) != 0);

    /// <summary>Reads a word.</summary>
    public static int Read(string path, int offset)
    {
        using FileStream file = Open(path, offset, FileAccess.Read);
        Span<byte> word = stackalloc byte[sizeof(int)];
        file.ReadExactly(word);
        return BitConverter.ToInt32(word);
    }

    /// <summary>Overwrites a word.</summary>
    public static void Write(string path, int offset, int word)
    {
        using FileStream file = Open(path, offset, FileAccess.Write);
        file.Write(BitConverter.GetBytes(word));
    }

    private static FileStream Open(string path, int offset, FileAccess access)
    {
        FileStream file = new(path, FileMode.Open, access, FileShare.ReadWrite, bufferSize: 0);
        file.Position = file.Length - PageSize + offset;
        return file;
    }
}
