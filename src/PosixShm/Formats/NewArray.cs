using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>An array to be created: its size, and the bytes that are not elements.</summary>
/// <param name="Header">Its header.</param>
/// <param name="Place">The place of its control page, which it may get later.</param>
/// <param name="FileLength">The size of its file.</param>
/// <param name="Head">The first bytes.</param>
/// <param name="Page">The first bytes of the control page; empty if the array has no page from the start.</param>
/// <param name="Tail">The last bytes.</param>
internal sealed record NewArray(ArrayHeader Header, PagePlace Place, long FileLength, byte[] Head, byte[] Page, byte[] Tail)
{
    /// <summary>The most bytes of elements: a gigabyte below 2^63, for the header and the control page around them.</summary>
    public const long MaxBytes = long.MaxValue - (1L << 30);

    /// <summary>Lays an array out in one of the formats.</summary>
    /// <param name="layout">The layout of the format.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="locks">The locks. If the page has not so many, it exists from the start, since it stores their number.</param>
    /// <param name="needsPage">Whether the page exists from the start, unless there are no locks: the file cannot grow later, or the
    /// creator uses the page.</param>
    /// <param name="parameter">The name of the parameter that gives the shape.</param>
    /// <param name="alignment">The power of two of which the elements' offset is a multiple.</param>
    /// <exception cref="ArgumentException">The shape is invalid or too large, or the layout has no format.</exception>
    /// <exception cref="NotSupportedException">The format cannot store such elements.</exception>
    public static NewArray Create(
        ArrayLayout layout, DType type, ReadOnlySpan<long> shape, int locks, bool needsPage, string parameter,
        int alignment = NpyHeader.Alignment)
    {
        FileFormat format = FileFormat.Of(layout);
        if (shape.Length > format.MaxRank)
        {
            throw new ArgumentException($"The layout {layout} has at most {format.MaxRank} dimensions, not {shape.Length}.", parameter);
        }

        DType stored = format.Stored(type) ?? throw new NotSupportedException($"The layout {layout} cannot store elements of {type}.");
        long bytes = CheckShape(stored, shape, parameter);
        int locksBehind = locks > ControlPage.LocksInPage ? locks : 0;
        bool hasPage = locksBehind > 0 || (needsPage && locks > 0) || !format.CanGrow;
        byte[] head = format.WriteHead(stored, shape, alignment);
        byte[] tail = format.WriteTail(stored, shape, bytes);
        PagePlace place = new(head.Length + bytes, locksBehind);
        long length = (hasPage ? place.LocksEnd : place.End) + tail.Length;
        ArrayHeader header = new(
            format, stored, [.. shape], IsFortranOrder: false, head.Length, bytes, End: format.CanGrow ? place.End : length);
        return new NewArray(header, place, length, head, hasPage ? ControlPage.Write(locksBehind) : [], tail);
    }

    /// <summary>Checks a caller's shape, and returns the bytes of such elements.</summary>
    /// <exception cref="ArgumentException">The shape is invalid or too large.</exception>
    public static long CheckShape(DType type, ReadOnlySpan<long> shape, string parameter)
    {
        foreach (long dimension in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension, parameter);
        }

        if (shape.Length > ShapeMath.MaxRank)
        {
            throw new ArgumentException($"An array has at most {ShapeMath.MaxRank} dimensions, not {shape.Length}.", parameter);
        }

        return ShapeMath.TryByteLength(shape, type.Size, out long bytes) && bytes <= MaxBytes
            ? bytes
            : throw new ArgumentException(
                $"An array of shape {ShapeText.Of(shape)} and element type {type} is larger than 2^63 bytes.", parameter);
    }
}
