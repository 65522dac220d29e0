using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PosixShm.Formats;

//
//  This library's page of an array, at the next multiple of 4,096 bytes behind the elements, in the byte order of its writer. An array gets
//  it when a lock or the change count is first used. Zero is the initial value of every field, so the first word alone makes a page:
//
//      offset  size  field
//      0       8     word, 0x01024D4853500002: the low 16 bits are the version
//      8       4     locks behind the page, or 0 if the 31 in the page are all
//      12      1     feature bits that may be ignored
//      13      1     feature bits that must be known to store
//      14      2     feature bits that must be known at all
//      16      8     offset in the file of an area behind the page and its locks, or 0
//      24      8     length of the area in bytes
//      64      32    a stream of frames: 8 bytes the newest whole frame, 8 the newest reserved one, 4 the writer, 4 the sleeping readers
//      128     16    the reader-writer lock: its word, and whether its writer is inside, waits for readers, and is to let readers go first
//      192     8     snapshot: bits 0..29 the last writer, bits 30..63 the sequence, odd during a publication
//      256     1792  448 slots, 4 bytes each: bits 0..20 count the acquisitions of the slot, bits 21..31 its readers
//      2048    64    event: 4 bytes count the changes, 4 bytes the waiters
//      2112    1984  31 locks, 64 bytes each, of which the first 4 are the lock word
//
//  Only the creator writes bytes 8 to 31, before the file has its name.
//
/// <summary>The fields of a control page; docs/FORMAT.md, "Control page".</summary>
internal static class ControlPage
{
    public const int Size = Pages.Size;

    /// <summary>The first word of a page of this version.</summary>
    public const ulong Word = 0x0102_4D48_5350_0002;

    public const int LockCountOffset = 8;
    public const int FeaturesOffset = 12;
    public const int FramesOffset = 64;
    public const int ReaderWriterOffset = 128;
    public const int SnapshotOffset = 192;
    public const int SlotsOffset = 256;
    public const int SlotCount = 448;
    public const int EventOffset = 2048;
    public const int FirstLockOffset = EventOffset + LineSize;

    /// <summary>The bytes of a cache line. Each lock and event has one, so that they do not slow each other down.</summary>
    public const int LineSize = 64;

    /// <summary>The locks in the page itself.</summary>
    public const int LocksInPage = (Size - FirstLockOffset) / LineSize;

    /// <summary>The most locks of one array.</summary>
    public const int MaxLocks = 1 << 20;

    // The first word of version 1.
    private static ReadOnlySpan<byte> WordOfVersion1 => "PSHMCTRL"u8;

    /// <summary>Returns whether bytes begin with the word.</summary>
    public static bool HasWord(ReadOnlySpan<byte> page) => page.Length >= sizeof(ulong) && MemoryMarshal.Read<ulong>(page) == Word;

    /// <summary>Returns the number of locks behind a page that begins with the given bytes; 0 if the file has no room for them.</summary>
    public static int LocksBehind(ReadOnlySpan<byte> page, long bytesBehind)
    {
        int count = page.Length >= FeaturesOffset && HasWord(page) ? MemoryMarshal.Read<int>(page[LockCountOffset..]) : 0;
        return count is > 0 and <= MaxLocks && (long)count * LineSize <= bytesBehind ? count : 0;
    }

    /// <summary>Returns the first bytes of the page of a new array.</summary>
    public static byte[] Write(int locksBehind)
    {
        byte[] start = new byte[FeaturesOffset];
        MemoryMarshal.Write(start, Word);
        MemoryMarshal.Write(start.AsSpan(LockCountOffset), locksBehind);
        return start;
    }

    /// <summary>Returns the reason, as a clause, why a nonzero word is not that of this version; null for an unknown word.</summary>
    public static string? FindProblem(ulong word)
    {
        const ulong VersionBits = 0xFFFF;
        return word switch
        {
            _ when BinaryPrimitives.ReverseEndianness(word) == Word => "its control page was made on a machine of the other byte order",
            _ when (word & ~VersionBits) == (Word & ~VersionBits)
                => $"its control page has version {word & VersionBits}, and this library reads version {Word & VersionBits}",
            _ when word == MemoryMarshal.Read<ulong>(WordOfVersion1)
                => "version 1 of the control page, which this library does not read, follows its elements",
            _ => null,
        };
    }
}
