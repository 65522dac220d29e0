using System.Collections.Immutable;
using System.Runtime.InteropServices;
using PosixShm.Elements;

namespace PosixShm.Formats;

//
//  The last bytes of an array of Python's SharedArray package, 3.1.0 to 3.2.4. Its elements are at offset 0. Native byte order:
//
//      offset  size   field
//      0       16     magic, "[SharedArray]", zeros
//      16      8      length of the elements in bytes
//      24      4      numpy's type number
//      28      4      bytes of one element
//      32      4      number of dimensions
//      36      8 * N  dimensions, zeros
//
//  N is 32 in a package built with numpy 1 (292 bytes), and 64 with numpy 2 (548 bytes). Each build reads only its own trailer. We write
//  one that is both: the last 292 bytes of a trailer of 548 are a trailer of 292. They leave the first 27 dimensions of the longer intact.
//
//      fileSize - 548                    fileSize - 292                              fileSize
//      | magic ... dims[0] .. dims[26] . | magic ... dims[0] .. dims[31]             |
//
/// <summary>The format of Python's SharedArray package: the elements at the beginning of the file, and a trailer at the end.</summary>
internal sealed class PythonSharedArrayFormat() : FileFormat(ArrayLayout.PythonSharedArray, MaxRankOfBoth, TrailerLength)
{
    public static readonly PythonSharedArrayFormat Instance = new();

    /// <summary>The length of our trailer, which is one of numpy 2 that ends in one of numpy 1.</summary>
    public const int TrailerLength = LengthOfNumpy2;

    // Both trailers can hold so many dimensions at once.
    private const int MaxRankOfBoth = (LengthOfNumpy2 - LengthOfNumpy1 - DimensionsOffset) / sizeof(long);

    private const int DimensionsOffset = 36;
    private const int LengthOfNumpy1 = DimensionsOffset + (32 * sizeof(long));
    private const int LengthOfNumpy2 = DimensionsOffset + (64 * sizeof(long));

    // Trailers of older versions, without the size of an element, have 16 dimensions, or numpy's 32.
    private const int OlderLength = 32 + (16 * sizeof(long));
    private const int OlderLengthOfNumpy = 32 + (32 * sizeof(long));

    // The zero belongs to the magic, because readers compare it as a C string.
    private static ReadOnlySpan<byte> Magic => "[SharedArray]\0"u8;

    public override bool HasMagic(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail) => Find(tail) > 0 || FindOlder(head, tail) is not null;

    public override ArrayHeader? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize, out string problem)
    {
        int length = Find(tail);
        if (length == 0)
        {
            problem = FindOlder(head, tail) ?? "it has no SharedArray trailer";
            return null;
        }

        ArrayHeader? last = TryReadOne(tail[^length..], fileSize - length, out problem);
        bool isDouble = last is not null && length == LengthOfNumpy1 && HasMagicAt(tail, LengthOfNumpy2)
            && last.DataLength <= fileSize - LengthOfNumpy2; // otherwise elements contain the other magic
        if (!isDouble)
        {
            return last;
        }

        ArrayHeader? first = TryReadOne(tail[^LengthOfNumpy2..], fileSize - LengthOfNumpy2, out problem);
        if (first is not null && (first.Type != last!.Type || !first.Shape.SequenceEqual(last.Shape)))
        {
            problem = "its two SharedArray trailers contradict each other";
            return null;
        }

        return first;
    }

    public override DType? Stored(DType type) => PythonSharedArrayTypes.Stored(type);

    public override byte[] WriteTail(DType stored, ReadOnlySpan<long> shape, long dataLength)
    {
        byte[] trailer = new byte[TrailerLength];
        WriteOne((ScalarType)stored, shape, dataLength, trailer);
        WriteOne((ScalarType)stored, shape, dataLength, trailer.AsSpan(LengthOfNumpy2 - LengthOfNumpy1));
        return trailer;
    }

    // Returns the length of a trailer with its magic, or 0. The shorter trailer has precedence: its magic cannot be an element's, since the
    // last bytes of a longer trailer are its own.
    private static int Find(ReadOnlySpan<byte> tail)
        => HasMagicAt(tail, LengthOfNumpy1) ? LengthOfNumpy1 : HasMagicAt(tail, LengthOfNumpy2) ? LengthOfNumpy2 : 0;

    // Returns the problem of a file with the magic of an older version of the package; null for any other file.
    private static string? FindOlder(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
        => HasMagicAt(tail, OlderLength) || HasMagicAt(tail, OlderLengthOfNumpy)
            ? "a version of Python's SharedArray package before 3.1.0 wrote it, without the size of an element; 3.1.0 to 3.2.4 are read"
            : head.StartsWith(Magic)
            ? "an older version of Python's SharedArray package wrote it, with the description before the elements; 3.1.0 to 3.2.4 are read"
            : null;

    private static bool HasMagicAt(ReadOnlySpan<byte> tail, int length) => tail.Length >= length && tail[^length..].StartsWith(Magic);

    private static ArrayHeader? TryReadOne(ReadOnlySpan<byte> trailer, long offset, out string problem)
    {
        int rank = MemoryMarshal.Read<int>(trailer[32..]);
        ReadOnlySpan<byte> dimensions = trailer[DimensionsOffset..];
        (int number, int itemSize) = (MemoryMarshal.Read<int>(trailer[24..]), MemoryMarshal.Read<int>(trailer[28..]));
        if (PythonSharedArrayTypes.TryRead(number, itemSize, out problem) is not ScalarType type)
        {
            return null;
        }

        if (rank < 0 || rank > dimensions.Length / sizeof(long))
        {
            problem = $"its trailer has {rank} dimensions, and room for {dimensions.Length / sizeof(long)}";
            return null;
        }

        ImmutableArray<long> shape = [.. MemoryMarshal.Cast<byte, long>(dimensions)[..rank]];
        bool isValid = ShapeMath.TryByteLength(shape.AsSpan(), type.Size, out long bytes);
        if (!isValid || bytes > offset || bytes != MemoryMarshal.Read<long>(trailer[16..]))
        {
            problem = $"its shape {ShapeText.Of(shape.AsSpan())} of {type} does not fit the {offset} bytes before its trailer: "
                + "it was truncated or damaged";
            return null;
        }

        return new ArrayHeader(Instance, type, shape, IsFortranOrder: false, DataOffset: 0, bytes, End: offset + trailer.Length);
    }

    private static void WriteOne(ScalarType type, ReadOnlySpan<long> shape, long dataLength, Span<byte> trailer)
    {
        trailer.Clear();
        Magic.CopyTo(trailer);
        MemoryMarshal.Write(trailer[16..], dataLength);
        MemoryMarshal.Write(trailer[24..], PythonSharedArrayTypes.NumberOf(type));
        MemoryMarshal.Write(trailer[28..], (int)type.Size);
        MemoryMarshal.Write(trailer[32..], shape.Length);
        MemoryMarshal.AsBytes(shape).CopyTo(trailer[DimensionsOffset..]);
    }
}
