using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PosixShm.Format;

//
//  Our own page in a segment, in the byte order of the machine that wrote it:
//
//      offset  size  field
//      0       8     magic, "PSHMCTRL"
//      8       4     version, 1
//      12      4     byte order mark, 0x01020304
//      16      8     offset of the elements in the file
//      24      8     length of the elements in bytes
//      32      16    instance id, random, as RFC 9562 orders it
//      48      8     creation time, nanoseconds since 1970-01-01 UTC
//      56      4     creator's process id, in its own PID namespace
//      60      4     number of locks
//      64      8     offset of the first lock in the file
//      72      184   reserved, zero
//      256     1792  448 slots, 4 bytes each: how often the slot was taken
//      2048    64    event: 4 bytes count the changes, 4 bytes the waiters
//      2112    1984  31 locks, 64 bytes each, of which the first 4 are the lock word; unused if there are more than 31
//
//  More than 31 locks take whole pages of their own, right before this one.
//
internal readonly record struct ControlPage(
    long DataOffset, long DataLength, Guid InstanceId, long Created, int CreatorProcessId, int LockCount, long LocksOffset)
{
    public const int Size = Pages.Size;
    public const int SlotsOffset = 256;
    public const int SlotCount = 448;
    public const int EventOffset = 2048;
    public const int FirstLockOffset = EventOffset + LineSize;

    /// <summary>A cache line: locks and events have one each, so that they do not slow each other down.</summary>
    public const int LineSize = 64;

    /// <summary>The most locks of one array.</summary>
    public const int MaxLocks = 1 << 20;

    private const int LocksInPage = (Size - FirstLockOffset) / LineSize;

    private const uint Version = 1;
    private const uint ByteOrderMark = 0x01020304;

    private static ReadOnlySpan<byte> Magic => "PSHMCTRL"u8;

    /// <summary>Gets the magic as one load reads it.</summary>
    public static ulong MagicWord => BitConverter.IsLittleEndian ? 0x4C52_5443_4D48_5350UL : 0x5053_484D_4354_524CUL;

    /// <summary>Gives the bytes that locks take before the control page.</summary>
    public static long LockPages(int locks) => locks <= LocksInPage ? 0 : Pages.RoundUp((long)locks * LineSize);

    /// <summary>Gives the offset of the first lock, of so many, from that of the control page.</summary>
    public static long LocksOffsetFor(int locks, long controlOffset)
        => locks <= LocksInPage ? controlOffset + FirstLockOffset : controlOffset - LockPages(locks);

    /// <summary>Tells whether a page claims to be a control page.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> page) => page.StartsWith(Magic);

    /// <summary>Reads a page that has the magic; null, with the reason, if it is damaged or not ours to read.</summary>
    public static ControlPage? TryRead(ReadOnlySpan<byte> page, long offset, out string problem)
    {
        uint mark = MemoryMarshal.Read<uint>(page[12..]);
        uint version = MemoryMarshal.Read<uint>(page[8..]);
        ControlPage read = new(
            MemoryMarshal.Read<long>(page[16..]),
            MemoryMarshal.Read<long>(page[24..]),
            new Guid(page.Slice(32, 16), bigEndian: true),
            MemoryMarshal.Read<long>(page[48..]),
            MemoryMarshal.Read<int>(page[56..]),
            MemoryMarshal.Read<int>(page[60..]),
            MemoryMarshal.Read<long>(page[64..]));

        problem = mark == BinaryPrimitives.ReverseEndianness(ByteOrderMark) ? "it was made on a machine of the other byte order"
            : mark != ByteOrderMark ? "its control page is damaged"
            : version != Version ? $"its control page has version {version}, and this library reads version {Version}"
            : read.LockCount is < 0 or > MaxLocks || read.LocksOffset != LocksOffsetFor(read.LockCount, offset) ? "its control page is damaged: its locks cannot be there"
            : string.Empty;

        return problem.Length > 0 ? null : read;
    }

    /// <summary>Writes the page.</summary>
    public void Write(Span<byte> page)
    {
        page[..Size].Clear();
        Magic.CopyTo(page);
        MemoryMarshal.Write(page[8..], Version);
        MemoryMarshal.Write(page[12..], ByteOrderMark);
        MemoryMarshal.Write(page[16..], DataOffset);
        MemoryMarshal.Write(page[24..], DataLength);
        _ = InstanceId.TryWriteBytes(page[32..], bigEndian: true, out _);
        MemoryMarshal.Write(page[48..], Created);
        MemoryMarshal.Write(page[56..], CreatorProcessId);
        MemoryMarshal.Write(page[60..], LockCount);
        MemoryMarshal.Write(page[64..], LocksOffset);
    }
}
