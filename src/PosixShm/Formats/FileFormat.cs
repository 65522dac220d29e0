using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>One file format of arrays: how a file is recognised, read and written. Bytes without a description have no format.</summary>
/// <param name="layout">The format in the public API.</param>
/// <param name="maxRank">The most dimensions.</param>
/// <param name="tailLength">The length of the description at the end of the file; 0 if the description precedes the elements.</param>
internal abstract class FileFormat(ArrayLayout layout, int maxRank, int tailLength)
{
    /// <summary>The last bytes of a file that the readers of all formats need together.</summary>
    public const int MaxTailLength = PythonSharedArrayFormat.TrailerLength;

    /// <summary>All formats. One with a header precedes one with a description at the end, for <see cref="ArrayHeader.TryRead"/>.</summary>
    public static readonly FileFormat[] All = [NpyFormat.Instance, PythonSharedArrayFormat.Instance];

    public ArrayLayout Layout { get; } = layout;

    public int MaxRank { get; } = maxRank;

    public int TailLength { get; } = tailLength;

    /// <summary>Gets whether a file may become longer. The description at the end of a file would no longer be there.</summary>
    public bool CanGrow => TailLength == 0;

    /// <summary>Returns the format of a layout.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No format has this layout.</exception>
    public static FileFormat Of(ArrayLayout layout)
    {
        foreach (FileFormat format in All)
        {
            if (format.Layout == layout)
            {
                return format;
            }
        }

        throw new ArgumentOutOfRangeException(
            nameof(layout), layout, $"A new array has one of the layouts {string.Join(", ", All.Select(static format => format.Layout))}.");
    }

    /// <summary>Returns whether a file's first or last bytes carry the magic of any version of the format.</summary>
    public abstract bool HasMagic(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail);

    /// <summary>Returns how many of a file's first bytes the header needs, as far as they are known; 0 if it needs no more.</summary>
    public virtual int HeadLength(ReadOnlySpan<byte> head) => 0;

    /// <summary>Reads the header of a file that has the magic. The parameters are those of <see cref="ArrayHeader.TryRead"/>.</summary>
    public abstract ArrayHeader? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize, out string problem);

    /// <summary>Returns the part of an element type that the format stores; null if it cannot store such elements.</summary>
    public virtual DType? Stored(DType type) => type;

    /// <summary>Returns the bytes before the elements of a new array.</summary>
    public virtual byte[] WriteHead(DType stored, ReadOnlySpan<long> shape, int alignment) => [];

    /// <summary>Returns the last bytes of a new array.</summary>
    public virtual byte[] WriteTail(DType stored, ReadOnlySpan<long> shape, long dataLength) => [];
}
