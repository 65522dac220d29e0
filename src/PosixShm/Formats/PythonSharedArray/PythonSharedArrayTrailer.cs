using System.Collections.Immutable;
using System.Runtime.InteropServices;
using PosixShm.Elements;

namespace PosixShm.Formats;

//
//  The last bytes of an array by Python's SharedArray package, 3.1.0 to 3.2.4; the elements are at offset 0. Native byte order, not aligned:
//
//      offset  size   field
//      0       16     magic, "[SharedArray]", zeros
//      16      8      length of the elements in bytes
//      24      4      numpy's type number
//      28      4      bytes of one element
//      32      4      number of dimensions
//      36      8 * N  dimensions, zeros
//
//  N is 32 in a package built with numpy 1 (292 bytes), and 64 with numpy 2 (548 bytes); each build reads only its own. We write a trailer
//  that is both: one of 548 bytes, whose last 292 are one of 292. Its first 27 dimensions are untouched by that.
//
//      fileSize - 548                    fileSize - 292                              fileSize
//      | magic ... dims[0] .. dims[26] . | magic ... dims[0] .. dims[31]             |
//
internal sealed record PythonSharedArrayTrailer(ScalarType Type, ImmutableArray<long> Shape, long DataLength, long Offset)
{
    /// <summary>The length of what we write: a trailer of numpy 2 that ends in one of numpy 1.</summary>
    public const int Size = LengthOfNumpy2;

    /// <summary>The most dimensions that both trailers can hold at once.</summary>
    public const int MaxRank = (LengthOfNumpy2 - LengthOfNumpy1 - DimensionsOffset) / sizeof(long);

    private const int DimensionsOffset = 36;
    private const int LengthOfNumpy1 = DimensionsOffset + (32 * sizeof(long));
    private const int LengthOfNumpy2 = DimensionsOffset + (64 * sizeof(long));

    // What older versions wrote had no size of an element: 16 dimensions, or numpy's 32.
    private static readonly int[] s_olderLengths = [32 + (16 * sizeof(long)), 32 + (32 * sizeof(long))];

    // With the zero behind it: readers compare as strings.
    private static ReadOnlySpan<byte> Magic => "[SharedArray]\0"u8;

    /// <summary>Finds a trailer by its magic in a file's last bytes; returns its length, or 0.</summary>
    /// <remarks>The shorter one first: where it stands, elements cannot, as the last bytes of a longer one are its own.</remarks>
    public static int Find(ReadOnlySpan<byte> tail)
        => HasMagicAt(tail, LengthOfNumpy1) ? LengthOfNumpy1 : HasMagicAt(tail, LengthOfNumpy2) ? LengthOfNumpy2 : 0;

    /// <summary>Says how an older version of the package wrote the file, by its magic, as a clause; null if none did.</summary>
    public static string? FindOlder(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        foreach (int length in s_olderLengths)
        {
            if (HasMagicAt(tail, length))
            {
                return "a version of Python's SharedArray package before 3.1.0 wrote it, without the size of an element; 3.1.0 to 3.2.4 are read";
            }
        }

        return head.StartsWith(Magic)
            ? "an older version of Python's SharedArray package wrote it, with the description before the elements; 3.1.0 to 3.2.4 are read"
            : null;
    }

    /// <summary>Reads the trailer, or both. Pure: bounded by the span, and a wrong one is a null with the reason.</summary>
    public static PythonSharedArrayTrailer? TryRead(ReadOnlySpan<byte> tail, long fileSize, out string problem)
    {
        int length = Find(tail);
        if (length == 0)
        {
            problem = "it has no SharedArray trailer";
            return null;
        }

        PythonSharedArrayTrailer? last = TryReadOne(tail[^length..], fileSize - length, out problem);
        bool isDouble = last is not null && length == LengthOfNumpy1 && HasMagicAt(tail, LengthOfNumpy2)
            && last.DataLength <= fileSize - LengthOfNumpy2; // else the other one is made of elements
        if (!isDouble)
        {
            return last;
        }

        PythonSharedArrayTrailer? first = TryReadOne(tail[^LengthOfNumpy2..], fileSize - LengthOfNumpy2, out problem);
        if (first is not null && (first.Type != last!.Type || !first.Shape.SequenceEqual(last.Shape)))
        {
            problem = "its two SharedArray trailers contradict each other";
            return null;
        }

        return first;
    }

    /// <summary>Writes the double trailer.</summary>
    /// <param name="type">The element type, as it is stored.</param>
    /// <param name="shape">The shape, of at most <see cref="MaxRank"/> dimensions.</param>
    /// <param name="dataLength">The elements' bytes.</param>
    /// <param name="trailer">Where to: <see cref="Size"/> bytes.</param>
    public static void Write(ScalarType type, ReadOnlySpan<long> shape, long dataLength, Span<byte> trailer)
    {
        WriteOne(type, shape, dataLength, trailer[..LengthOfNumpy2]);
        WriteOne(type, shape, dataLength, trailer[(LengthOfNumpy2 - LengthOfNumpy1)..LengthOfNumpy2]);
    }

    private static bool HasMagicAt(ReadOnlySpan<byte> tail, int length) => tail.Length >= length && tail[^length..].StartsWith(Magic);

    private static PythonSharedArrayTrailer? TryReadOne(ReadOnlySpan<byte> trailer, long offset, out string problem)
    {
        int rank = MemoryMarshal.Read<int>(trailer[32..]);
        ReadOnlySpan<byte> dimensions = trailer[DimensionsOffset..];
        if (PythonSharedArrayTypes.TryRead(MemoryMarshal.Read<int>(trailer[24..]), MemoryMarshal.Read<int>(trailer[28..]), out problem) is not ScalarType type)
        {
            return null;
        }

        if (rank < 0 || rank > dimensions.Length / sizeof(long))
        {
            problem = $"its trailer has {rank} dimensions, and room for {dimensions.Length / sizeof(long)}";
            return null;
        }

        ImmutableArray<long> shape = [.. MemoryMarshal.Cast<byte, long>(dimensions)[..rank]];
        if (!ShapeMath.TryByteLength(shape.AsSpan(), type.Size, out long bytes) || bytes > offset || bytes != MemoryMarshal.Read<long>(trailer[16..]))
        {
            problem = $"its shape {ShapeText.Of(shape.AsSpan())} of {type} is not what its {offset} bytes before the trailer hold: it was truncated or damaged";
            return null;
        }

        return new PythonSharedArrayTrailer(type, shape, bytes, offset);
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
