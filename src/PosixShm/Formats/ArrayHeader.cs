using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>What a segment's bytes say of the array in it: checked against the file's size, so that it can be trusted for bounds.</summary>
/// <param name="Layout">How it lies in the segment.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The length of each dimension.</param>
/// <param name="IsFortranOrder">Whether the first index runs fastest. Never of a shape for which C order is the same.</param>
/// <param name="DataOffset">Where the elements are in the file.</param>
/// <param name="DataLength">How many bytes they take.</param>
/// <param name="End">The bytes that the file must have: as far as the elements, or the description behind them, reach.</param>
internal sealed record ArrayHeader(
    ArrayLayout Layout,
    DType Type,
    ImmutableArray<long> Shape,
    bool IsFortranOrder,
    long DataOffset,
    long DataLength,
    long End)
{
    // numpy's, which is that of every type.
    private const int UsualAlignment = 64;

    /// <summary>The last bytes of a file that <see cref="TryRead"/> needs: a trailer.</summary>
    public const int TailNeeded = PythonSharedArrayTrailer.Size;

    /// <summary>Gets the number of elements.</summary>
    public long Length { get; } = ShapeMath.Product(Shape.AsSpan());

    /// <summary>Gets the strides of an array in Fortran order, in elements. None in C order, whose strides follow from the shape.</summary>
    public ImmutableArray<long> Strides { get; } = IsFortranOrder ? ElementOrder.Strides(Shape.AsSpan(), isFortranOrder: true, unit: 1) : default;

    /// <summary>Gets numpy's strides: how many bytes apart the neighbours along each dimension are.</summary>
    public ImmutableArray<long> ByteStrides => ElementOrder.Strides(Shape.AsSpan(), IsFortranOrder, Type.Size);

    /// <summary>Gets whether the elements lie where the processor reads and writes each whole. A mapping begins at a page.</summary>
    public bool IsAligned => DataOffset % Type.Alignment == 0;

    /// <summary>Gets the end of the elements.</summary>
    public long DataEnd => DataOffset + DataLength;

    /// <summary>Returns the place in memory of an element whose place in C order is known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long PlaceOf(long index)
    {
        ReadOnlySpan<long> strides = Strides.AsSpan();
        ReadOnlySpan<long> shape = Shape.AsSpan();
        long place = strides.IsEmpty ? index : 0;
        for (int i = strides.Length - 1; i >= 0; i--)
        {
            // No overflow: the place is one of the elements.
            long rest = index / shape[i];
            place = unchecked(place + ((index - (rest * shape[i])) * strides[i]));
            index = rest;
        }

        return place;
    }

    /// <summary>Tells whether a file's first and last bytes are those of an array, whole or damaged.</summary>
    public static bool IsRecognised(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
        => NpyHeader.HasMagic(head) || PythonSharedArrayTrailer.Find(tail) > 0 || PythonSharedArrayTrailer.FindOlder(head, tail) is not null;

    /// <summary>Tells how many first bytes <see cref="TryReadNpy"/> needs; fewer are enough where the file is shorter.</summary>
    public static int HeadNeeded(ReadOnlySpan<byte> head) => NpyHeader.BytesNeeded(head);

    /// <summary>
    /// Reads the header of an .npy file. If the elements reach to the end of the file, nothing else needs to be read. Pure, as <see cref="TryRead"/> is.
    /// </summary>
    public static ArrayHeader? TryReadNpy(ReadOnlySpan<byte> head, long fileSize, out string problem)
    {
        problem = string.Empty;
        if (!UsualHeader.TryRead(head, out NpyHeader npy) && !NpyHeader.TryRead(head, out npy, out problem))
        {
            return null;
        }

        return ShapeMath.TryByteLength(npy.Shape.AsSpan(), npy.Type.Size, out long bytes) && bytes <= fileSize - npy.DataOffset
            ? new ArrayHeader(ArrayLayout.Npy, npy.Type, npy.Shape, npy.IsFortranOrder && ElementOrder.Matters(npy.Shape.AsSpan()), npy.DataOffset, bytes, npy.DataOffset + bytes)
            : Refuse(
                $"its shape {ShapeText.Of(npy.Shape.AsSpan())} of {npy.Type} needs more than the file's {fileSize} bytes: it was truncated or damaged",
                out problem);
    }

    /// <summary>
    /// Reads a header where more than one format is possible. Pure: bytes in, and out come either a header that fits the file or the reason why there is none.
    /// </summary>
    /// <remarks>
    /// Elements can look like the other format's description. What lies beyond the elements of an .npy file cannot be made of them, so a trailer
    /// there is real. Elsewhere the .npy header counts.
    /// </remarks>
    /// <param name="head">The file's first bytes.</param>
    /// <param name="tail">The file's last bytes: <see cref="TailNeeded"/>, or all.</param>
    /// <param name="fileSize">The file's size.</param>
    /// <param name="problem">What is wrong, as a clause: "it ends inside its .npy header".</param>
    public static ArrayHeader? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize, out string problem)
    {
        int trailer = PythonSharedArrayTrailer.Find(tail);
        ArrayHeader? npy = NpyHeader.HasMagic(head)
            ? TryReadNpy(head, fileSize, out problem)
            : Refuse(PythonSharedArrayTrailer.FindOlder(head, tail) ?? OtherFiles.Find(head, fileSize) ?? "it is not an array", out problem);
        return trailer > 0 && (npy is null || npy.DataEnd <= fileSize - trailer) ? TryReadTrailer(tail, fileSize, out problem) : npy;
    }

    /// <summary>Tells at one look, for nearly every array, whether the elements are of a type, and aligned. False also where a closer look would find so.</summary>
    public bool IsPlainly(DType type) => ReferenceEquals(Type, type) && DataOffset % UsualAlignment == 0;

    /// <summary>Tells whether the elements are of a type, as far as the format keeps it.</summary>
    public bool Holds(DType type) => Type == type || (Layout == ArrayLayout.PythonSharedArray && Type == PythonSharedArrayTypes.Stored(type));

    /// <summary>Returns whether another header says the same of the elements.</summary>
    public bool DescribesSame(ArrayHeader other)
        => Layout == other.Layout && Type == other.Type && Shape.AsSpan().SequenceEqual(other.Shape.AsSpan()) && IsFortranOrder == other.IsFortranOrder
            && DataOffset == other.DataOffset;

    private static ArrayHeader? TryReadTrailer(ReadOnlySpan<byte> tail, long fileSize, out string problem)
        => PythonSharedArrayTrailer.TryRead(tail, fileSize, out problem) is PythonSharedArrayTrailer trailer
            ? new ArrayHeader(ArrayLayout.PythonSharedArray, trailer.Type, trailer.Shape, IsFortranOrder: false, 0, trailer.DataLength, fileSize)
            : null;

    private static ArrayHeader? Refuse(string reason, out string problem)
    {
        problem = reason;
        return null;
    }
}
