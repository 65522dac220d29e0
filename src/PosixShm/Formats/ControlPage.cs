using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PosixShm.Formats;

//
//  Our own page of an array, at the next multiple of 4,096 bytes behind the elements, in the byte order of the machine that wrote it. An array
//  gets it when a lock or the change count is first used; zero is the initial value of every field, so a page is made by its first word alone:
//
//      offset  size  field
//      0       8     word, 0x01024D4853500002: the low 16 bits are the version
//      8       4     locks behind the page; 0: only the 31 in it
//      12      1     feature bits that may be ignored
//      13      1     feature bits that must be known to store
//      14      2     feature bits that must be known at all
//      16      8     offset in the file of an area behind the page and its locks; 0: none
//      24      8     length of the area in bytes
//      64      32    reserved for streams of frames
//      128     16    reserved for the reader-writer lock
//      192     8     reserved for the snapshot
//      256     1792  448 slots, 4 bytes each: bits 0..20 count how often the slot was taken, bits 21..31 are its readers
//      2048    64    event: 4 bytes count the changes, 4 bytes the waiters
//      2112    1984  31 locks, 64 bytes each, of which the first 4 are the lock word
//
//  Bytes 8 to 31 are written by the creator before the file has its name, or never.
//
/// <summary>The fields of a control page; docs/FORMAT.md, "Control page".</summary>
internal static class ControlPage
{
    public const int Size = Pages.Size;

    /// <summary>The first word of a page of this version.</summary>
    public const ulong Word = 0x0102_4D48_5350_0002;

    public const int LockCountOffset = 8;
    public const int FeaturesOffset = 12;
    public const int SlotsOffset = 256;
    public const int SlotCount = 448;
    public const int EventOffset = 2048;
    public const int FirstLockOffset = EventOffset + LineSize;

    /// <summary>A cache line: locks and events have one each, so that they do not slow each other down.</summary>
    public const int LineSize = 64;

    /// <summary>The locks in the page itself.</summary>
    public const int LocksInPage = (Size - FirstLockOffset) / LineSize;

    /// <summary>The most locks of one array.</summary>
    public const int MaxLocks = 1 << 20;

    // "PSHMCTRL", with which version 1 began.
    private static ReadOnlySpan<byte> WordOfVersion1 => "PSHMCTRL"u8;

    /// <summary>Tells whether bytes begin with the word.</summary>
    public static bool HasWord(ReadOnlySpan<byte> page) => page.Length >= sizeof(ulong) && MemoryMarshal.Read<ulong>(page) == Word;

    /// <summary>Gives the number of locks behind a page that begins with the given bytes, as far as the file has room for them; else 0.</summary>
    public static int LocksBehind(ReadOnlySpan<byte> page, long bytesBehind)
    {
        int count = page.Length >= FeaturesOffset && HasWord(page) ? MemoryMarshal.Read<int>(page[LockCountOffset..]) : 0;
        return count is > 0 and <= MaxLocks && (long)count * LineSize <= bytesBehind ? count : 0;
    }

    /// <summary>Writes the first bytes of the page of an array that is made with it.</summary>
    public static byte[] Write(int locksBehind)
    {
        byte[] start = new byte[FeaturesOffset];
        MemoryMarshal.Write(start, Word);
        MemoryMarshal.Write(start.AsSpan(LockCountOffset), locksBehind);
        return start;
    }

    /// <summary>Says why a word that is not 0 is not that of this version, as a clause; null if it is nobody's that is known.</summary>
    public static string? WhatIsWrongWith(ulong word)
    {
        const ulong VersionBits = 0xFFFF;
        return BinaryPrimitives.ReverseEndianness(word) == Word ? "its control page was made on a machine of the other byte order"
            : (word & ~VersionBits) == (Word & ~VersionBits) ? $"its control page has version {word & VersionBits}, and this library reads version {Word & VersionBits}"
            : word == MemoryMarshal.Read<ulong>(WordOfVersion1) ? "version 1 of the control page, which this library does not read, follows its elements"
            : null;
    }
}
