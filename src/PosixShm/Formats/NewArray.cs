using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>An array to be created: its size, and the bytes that are not elements.</summary>
/// <param name="Header">What its header says.</param>
/// <param name="Place">Where its control page is, or will be.</param>
/// <param name="FileLength">The size of its file.</param>
/// <param name="Head">The first bytes.</param>
/// <param name="Page">The first bytes of the control page, if it has one from the start; else none.</param>
/// <param name="Tail">The last bytes.</param>
internal sealed record NewArray(ArrayHeader Header, PagePlace Place, long FileLength, byte[] Head, byte[] Page, byte[] Tail)
{
    /// <summary>The most bytes of elements: a gigabyte below 2^63, so that the header and the control page around them have room.</summary>
    public const long MaxBytes = long.MaxValue - (1L << 30);

    /// <summary>Lays an array out in one of the layouts.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="locks">The locks that are wanted. More than those of the page need it from the start, since their number is in it.</param>
    /// <param name="isSealed">Whether the file cannot grow later: then it has the page from the start, unless there are to be no locks.</param>
    /// <param name="shapeParameter">The name of the parameter that gives the shape.</param>
    /// <param name="alignment">The power of two of which the elements' offset is a multiple.</param>
    /// <exception cref="ArgumentException">The shape is none, or too large.</exception>
    /// <exception cref="NotSupportedException">The format cannot hold such elements.</exception>
    public static NewArray Create(
        ArrayLayout layout, DType type, ReadOnlySpan<long> shape, int locks, bool isSealed, string shapeParameter, int alignment = NpyHeader.Alignment)
    {
        int behind = locks > ControlPage.LocksInPage ? locks : 0;
        return layout == ArrayLayout.PythonSharedArray
            ? SharedArray(type, shape, behind, shapeParameter)
            : Npy(type, shape, alignment, behind, hasPage: behind > 0 || (isSealed && locks > 0), shapeParameter);
    }

    // The file that numpy writes, and the page behind it.
    private static NewArray Npy(DType type, ReadOnlySpan<long> shape, int alignment, int locksBehind, bool hasPage, string shapeParameter)
    {
        long bytes = CheckShape(type, shape, shapeParameter);
        byte[] head = NpyHeader.Write(type, shape, alignment);
        ArrayHeader header = new(ArrayLayout.Npy, type, [.. shape], IsFortranOrder: false, head.Length, bytes, head.Length + bytes);
        PagePlace place = new(header.DataEnd, locksBehind);
        return hasPage
            ? new NewArray(header, place, place.LocksEnd, head, ControlPage.Write(locksBehind), Tail: [])
            : new NewArray(header, place, header.DataEnd, head, Page: [], Tail: []);
    }

    // As Python's SharedArray package has it, with the page between the elements and the trailer.
    private static NewArray SharedArray(DType type, ReadOnlySpan<long> shape, int locksBehind, string shapeParameter)
    {
        if (shape.Length > PythonSharedArrayTrailer.MaxRank)
        {
            throw new ArgumentException(
                $"An array in the SharedArray layout has at most {PythonSharedArrayTrailer.MaxRank} dimensions, not {shape.Length}: more do not fit into a trailer for both builds of the package.",
                shapeParameter);
        }

        ScalarType stored = PythonSharedArrayTypes.Stored(type)
            ?? throw new NotSupportedException($"The SharedArray layout has no type number for elements of {type}.");
        long bytes = CheckShape(stored, shape, shapeParameter);
        byte[] trailer = new byte[PythonSharedArrayTrailer.Size];
        PythonSharedArrayTrailer.Write(stored, shape, bytes, trailer);
        PagePlace place = new(bytes, locksBehind);
        long length = place.LocksEnd + trailer.Length;
        ArrayHeader header = new(ArrayLayout.PythonSharedArray, stored, [.. shape], IsFortranOrder: false, 0, bytes, length);
        return new NewArray(header, place, length, Head: [], ControlPage.Write(locksBehind), trailer);
    }

    /// <summary>Checks a shape that a caller gives, and returns the bytes of such elements.</summary>
    /// <exception cref="ArgumentException">The shape is none, or too large.</exception>
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
            : throw new ArgumentException($"An array of shape {ShapeText.Of(shape)} and element type {type} is larger than 2^63 bytes.", parameter);
    }
}
