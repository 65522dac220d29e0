using System.Collections.Immutable;

namespace PosixShm.Format;

/// <summary>How an array lies in its segment.</summary>
internal enum HeaderFormat
{
    /// <summary>An .npy file: the description is before the elements.</summary>
    Npy,

    /// <summary>As Python's SharedArray package has it: the description is after the elements.</summary>
    SharedArray,

    /// <summary>Bytes without a description, which the caller has given.</summary>
    Raw,
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
    /// <summary>Gets the control page, of arrays that we made.</summary>
    public ControlPage? Control { get; private set; } = Control;

    /// <summary>Gets the number of elements.</summary>
    public long Length { get; } = ShapeMath.Product(Shape.AsSpan());

    /// <summary>Gets whether the elements lie where the processor reads and writes each whole. A mapping begins at a page.</summary>
    public bool IsAligned => DataOffset % Type.Alignment == 0;

    private long DataEnd => DataOffset + DataLength;

    /// <summary>Tells whether a file's first and last bytes are those of an array, whole or damaged.</summary>
    public static bool IsRecognised(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
        => NpyHeader.HasMagic(head) || SharedArrayTrailer.Find(tail) > 0 || SharedArrayTrailer.FindOlder(head, tail) is not null;

    /// <summary>Tells how many first bytes <see cref="TryRead"/> needs; fewer are enough where the file is shorter.</summary>
    public static int HeadNeeded(ReadOnlySpan<byte> head) => NpyHeader.BytesNeeded(head);

    /// <summary>Tells how many last bytes of a file <see cref="TryRead"/> needs: its last whole page, which a control page is, and what follows it.</summary>
    public static int TailNeeded(long fileSize) => (int)(fileSize < Pages.Size ? fileSize : Pages.Size + (fileSize % Pages.Size));

    /// <summary>Reads a header. Pure: bytes in, and out come either a header that fits the file or the reason why there is none.</summary>
    /// <param name="head">The file's first bytes.</param>
    /// <param name="tail">The file's last bytes: as many as <see cref="TailNeeded"/> says.</param>
    /// <param name="fileSize">The file's size.</param>
    /// <param name="problem">What is wrong, as a clause: "it ends inside its .npy header".</param>
    public static ArrayHeader? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize, out string problem)
        => TryReadDescription(head, tail, fileSize, out problem)?.TryAddControlPage(tail, fileSize, out problem);

    /// <summary>Tells whether the elements are of a type, as far as the format keeps it.</summary>
    public bool Holds(ElementType type) => Type == type || (Format == HeaderFormat.SharedArray && Type == SharedArrayTypes.Stored(type));

    /// <summary>Returns whether another header says the same of the elements, and belongs to the same array if we made both.</summary>
    public bool DescribesSame(ArrayHeader other)
        => Format == other.Format && Type == other.Type && Shape.AsSpan().SequenceEqual(other.Shape.AsSpan()) && IsFortranOrder == other.IsFortranOrder
            && DataOffset == other.DataOffset && Control == other.Control;

    // Elements can look like the other format's description. What lies beyond the elements of one cannot be made of them, so it is real; and
    // where each lies in the elements of the other, nobody can tell which is.
    private static ArrayHeader? TryReadDescription(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize, out string problem)
    {
        int trailer = SharedArrayTrailer.Find(tail);
        if (!NpyHeader.HasMagic(head))
        {
            return trailer > 0
                ? TryReadTrailer(tail, fileSize, out problem)
                : Refuse(SharedArrayTrailer.FindOlder(head, tail) ?? OtherFiles.Find(head, fileSize) ?? "it is not an array", out problem);
        }

        ArrayHeader? npy = TryReadNpy(head, fileSize, out problem);
        if (trailer == 0)
        {
            return npy;
        }

        bool isTrailerBeyond = npy is null || npy.DataEnd <= fileSize - trailer;
        ArrayHeader? shared = TryReadTrailer(tail, fileSize, out string reason);
        return isTrailerBeyond ? shared ?? Refuse(reason, out problem)
            : shared is null ? npy
            : Refuse("it can be read as an .npy file and as an array of Python's SharedArray package", out problem);
    }

    private static ArrayHeader? TryReadNpy(ReadOnlySpan<byte> head, long fileSize, out string problem)
    {
        if (NpyHeader.TryRead(head, out problem) is not NpyHeader npy)
        {
            return null;
        }

        // Larger files are fine: some systems round sizes up to a page.
        return ShapeMath.TryByteLength(npy.Shape.AsSpan(), npy.Type.Size, out long bytes) && bytes <= fileSize - npy.DataOffset
            ? new ArrayHeader(HeaderFormat.Npy, npy.Type, npy.Shape, npy.IsFortranOrder, npy.DataOffset, bytes, fileSize - ControlPage.Size, Control: null)
            : Refuse(
                $"its shape {ShapeText.Of(npy.Shape.AsSpan())} of {npy.Type} needs more than the file's {fileSize} bytes: it was truncated or damaged",
                out problem);
    }

    private static ArrayHeader? TryReadTrailer(ReadOnlySpan<byte> tail, long fileSize, out string problem)
        => SharedArrayTrailer.TryRead(tail, fileSize, out problem) is SharedArrayTrailer trailer
            ? new ArrayHeader(
                HeaderFormat.SharedArray, trailer.Type, trailer.Shape, IsFortranOrder: false, 0, trailer.DataLength, trailer.Offset - ControlPage.Size, Control: null)
            : null;

    private static ArrayHeader? Refuse(string reason, out string problem)
    {
        problem = reason;
        return null;
    }

    private ArrayHeader? TryAddControlPage(ReadOnlySpan<byte> tail, long fileSize, out string problem)
    {
        // Elements cannot forge one: the page begins behind them.
        problem = string.Empty;
        long distance = fileSize - ControlOffset;
        if (ControlOffset % Pages.Size != 0 || DataEnd > ControlOffset || tail.Length < distance)
        {
            return this;
        }

        ReadOnlySpan<byte> page = tail[^(int)distance..][..ControlPage.Size];
        if (!ControlPage.HasMagic(page))
        {
            return this;
        }

        Control = ControlPage.TryRead(page, ControlOffset, out problem);
        return Control is not ControlPage control ? null
            : control.DataOffset == DataOffset && control.DataLength == DataLength && control.LocksOffset >= DataEnd ? this
            : Refuse("its header and its control page contradict each other", out problem);
    }
}
