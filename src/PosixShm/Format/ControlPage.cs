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
//      60      4036  reserved, zero
//
internal readonly record struct ControlPage(long DataOffset, long DataLength, Guid InstanceId, long Created, int CreatorProcessId)
{
    public const int Size = Pages.Size;

    private const uint Version = 1;
    private const uint ByteOrderMark = 0x01020304;

    private static ReadOnlySpan<byte> Magic => "PSHMCTRL"u8;

    /// <summary>Tells whether a page claims to be a control page.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> page) => page.StartsWith(Magic);

    /// <summary>Reads a page that has the magic; null, with the reason, if it is damaged or not ours to read.</summary>
    public static ControlPage? TryRead(ReadOnlySpan<byte> page, out string problem)
    {
        uint mark = MemoryMarshal.Read<uint>(page[12..]);
        uint version = MemoryMarshal.Read<uint>(page[8..]);
        problem = mark == BinaryPrimitives.ReverseEndianness(ByteOrderMark) ? "it was made on a machine of the other byte order"
            : mark != ByteOrderMark ? "its control page is damaged"
            : version != Version ? $"its control page has version {version}, and this library reads version {Version}"
            : string.Empty;

        return problem.Length > 0 ? null : new ControlPage(
            MemoryMarshal.Read<long>(page[16..]),
            MemoryMarshal.Read<long>(page[24..]),
            new Guid(page.Slice(32, 16), bigEndian: true),
            MemoryMarshal.Read<long>(page[48..]),
            MemoryMarshal.Read<int>(page[56..]));
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
    }
}
