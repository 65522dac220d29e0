using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>The description that an array's segment has of it, checked against the size of the file: its bounds are safe.</summary>
/// <param name="Format">The format of the file; null for bytes without a description.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The length of each dimension.</param>
/// <param name="IsFortranOrder">Whether the first index runs fastest. False for a shape whose two orders are the same.</param>
/// <param name="DataOffset">The offset of the elements in the file.</param>
/// <param name="DataLength">The bytes of the elements.</param>
/// <param name="End">The length that the file must have: the end of the elements, or of the description behind them.</param>
internal sealed record ArrayHeader(
    FileFormat? Format, DType Type, ImmutableArray<long> Shape, bool IsFortranOrder, long DataOffset, long DataLength, long End)
{
    public ArrayLayout Layout => Format?.Layout ?? ArrayLayout.Raw;

    /// <summary>Gets the number of elements.</summary>
    public long Length { get; } = ShapeMath.Product(Shape.AsSpan());

    /// <summary>Gets the strides of an array in Fortran order, in elements; the default in C order.</summary>
    public ImmutableArray<long> Strides { get; }
        = IsFortranOrder ? ElementOrder.Strides(Shape.AsSpan(), isFortranOrder: true, unit: 1) : default;

    /// <summary>Gets numpy's strides: the distance in bytes of two neighbours along each dimension.</summary>
    public ImmutableArray<long> ByteStrides => ElementOrder.Strides(Shape.AsSpan(), IsFortranOrder, Type.Size);

    /// <summary>Gets whether the processor reads and writes each element whole. A mapping is aligned, so the offset decides.</summary>
    public bool IsAligned => DataOffset % Type.Alignment == 0;

    public long DataEnd => DataOffset + DataLength;

    /// <summary>Returns the place in memory of an element, given its place in C order.</summary>
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

    /// <summary>Returns whether a file's first and last bytes are those of an array, whole or damaged.</summary>
    public static bool IsRecognised(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        foreach (FileFormat format in FileFormat.All)
        {
            if (format.HasMagic(head, tail))
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc cref="FileFormat.HeadLength"/>
    public static int HeadLength(ReadOnlySpan<byte> head)
    {
        int length = 0;
        foreach (FileFormat format in FileFormat.All)
        {
            length = Math.Max(length, format.HeadLength(head));
        }

        return length;
    }

    /// <summary>Reads a header of nearly every array: one at the beginning of the file whose elements reach its end, so that no other
    /// format is possible. Null for all other files.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHeader? TryReadUsual(ReadOnlySpan<byte> head, long fileSize, out string problem)
        => NpyFormat.TryRead(head, fileSize, out problem) is ArrayHeader header && header.End == fileSize ? header : null;

    /// <summary>Reads a header of any format. Pure: the result is a header that fits the file, or null and the reason.</summary>
    /// <remarks>Elements can contain the bytes of another format's description. A description at the end of a file is real if it lies
    /// behind the elements that the header at the beginning describes. Otherwise the header counts.</remarks>
    /// <param name="head">The file's first bytes.</param>
    /// <param name="tail">The file's last bytes: <see cref="FileFormat.MaxTailLength"/>, or the whole file.</param>
    /// <param name="fileSize">The file's size.</param>
    /// <param name="problem">The reason, as a clause: "it ends inside its .npy header".</param>
    public static ArrayHeader? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize, out string problem)
    {
        ArrayHeader? header = null;
        string? reason = null;
        ReadOnlySpan<byte> rest = tail;
        foreach (FileFormat format in FileFormat.All)
        {
            if (format.HasMagic(head, rest))
            {
                header = format.TryRead(head, rest, fileSize, out reason);
                rest = tail[^(int)Math.Min(tail.Length, fileSize - (header?.DataEnd ?? 0))..];
            }
        }

        problem = reason ?? OtherFiles.Find(head, fileSize) ?? "it is not an array";
        return header;
    }

    /// <summary>Returns whether the elements are certainly of a type, and aligned. A fast check: it may also return false for such
    /// elements.</summary>
    public bool IsPlainly(DType type) => ReferenceEquals(Type, type) && DataOffset % NpyHeader.Alignment == 0;

    /// <summary>Returns whether the elements are of a type, as far as the format keeps it.</summary>
    public bool Holds(DType type) => Type == type || Type == Format?.Stored(type);

    /// <summary>Returns whether another header describes the same elements at the same place.</summary>
    public bool DescribesSame(ArrayHeader other)
        => Format == other.Format && Type == other.Type && Shape.AsSpan().SequenceEqual(other.Shape.AsSpan())
            && IsFortranOrder == other.IsFortranOrder && DataOffset == other.DataOffset;
}
