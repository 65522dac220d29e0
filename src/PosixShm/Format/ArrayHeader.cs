using System.Collections.Immutable;

namespace PosixShm.Format;

/// <summary>How an array lies in its segment.</summary>
internal enum HeaderFormat
{
    Npy,
}

/// <summary>What a segment's bytes say of the array in it: checked against the file's size, so that it can be trusted for bounds.</summary>
/// <param name="Format">How it lies in the segment.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The length of each dimension.</param>
/// <param name="IsFortranOrder">Whether the first index runs fastest.</param>
/// <param name="DataOffset">Where the elements are in the file.</param>
/// <param name="DataLength">How many bytes they take.</param>
/// <param name="ControlOffset">Where the control page is in the file, if there is one.</param>
/// <param name="Control">The control page, of arrays that we made.</param>
internal sealed record ArrayHeader(
    HeaderFormat Format,
    ElementType Type,
    ImmutableArray<long> Shape,
    bool IsFortranOrder,
    long DataOffset,
    long DataLength,
    long ControlOffset,
    ControlPage? Control)
{
    /// <summary>Gets the number of elements.</summary>
    public long Length { get; } = ShapeMath.Product(Shape.AsSpan());

    /// <summary>Tells whether a file's first bytes are those of an array, whole or damaged.</summary>
    public static bool IsRecognised(ReadOnlySpan<byte> head) => NpyHeader.HasMagic(head);

    /// <summary>Tells how many first bytes <see cref="TryRead"/> needs; fewer are enough where the file is shorter.</summary>
    public static int HeadNeeded(ReadOnlySpan<byte> head) => NpyHeader.BytesNeeded(head);

    /// <summary>Reads a header. Pure: bytes in, and out come either a header that fits the file or the reason why there is none.</summary>
    /// <param name="head">The file's first bytes.</param>
    /// <param name="tail">The file's last bytes; a control page's worth, or the whole file if it is shorter.</param>
    /// <param name="fileSize">The file's size.</param>
    /// <param name="problem">What is wrong, as a clause: "it ends inside its .npy header".</param>
    public static ArrayHeader? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize, out string problem)
    {
        if (!IsRecognised(head))
        {
            problem = "it is not an array";
            return null;
        }

        if (NpyHeader.TryRead(head, out problem) is not NpyHeader npy)
        {
            return null;
        }

        if (npy.Shape.Length > ShapeMath.MaxRank)
        {
            problem = $"it has {npy.Shape.Length} dimensions, and {ShapeMath.MaxRank} are the most";
            return null;
        }

        // Larger files are fine: some systems round sizes up to a page.
        if (!ShapeMath.TryByteLength(npy.Shape.AsSpan(), npy.Type.Size, out long bytes) || bytes > fileSize - npy.DataOffset)
        {
            problem = $"its shape {ShapeText.Of(npy.Shape.AsSpan())} of {npy.Type} needs more than the file's {fileSize} bytes: it was truncated or damaged";
            return null;
        }

        ControlPage? control = null;
        if (HoldsControlPage(tail, fileSize, npy.DataOffset + bytes))
        {
            control = ControlPage.TryRead(tail[^ControlPage.Size..], fileSize - ControlPage.Size, out problem);
            if (control is null)
            {
                return null;
            }

            if (control.Value.DataOffset != npy.DataOffset
                || control.Value.DataLength != bytes
                || control.Value.LocksOffset < npy.DataOffset + bytes)
            {
                problem = "its header and its control page contradict each other";
                return null;
            }
        }

        return new ArrayHeader(HeaderFormat.Npy, npy.Type, npy.Shape, npy.IsFortranOrder, npy.DataOffset, bytes, fileSize - ControlPage.Size, control);
    }

    // Elements cannot forge one: the page begins behind them.
    private static bool HoldsControlPage(ReadOnlySpan<byte> tail, long fileSize, long dataEnd)
        => fileSize % Pages.Size == 0 && dataEnd <= fileSize - ControlPage.Size && tail.Length >= ControlPage.Size
            && ControlPage.HasMagic(tail[^ControlPage.Size..]);
}
