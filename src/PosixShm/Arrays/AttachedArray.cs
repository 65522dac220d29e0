using PosixShm.Format;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>An array mapped into this process: the segment, and what its header said when it was read, once.</summary>
internal sealed record AttachedArray(Segment Segment, ArrayHeader Header)
{
    /// <summary>Gets the address of the first element.</summary>
    public nint Data => Segment.Address + (nint)Header.DataOffset;

    /// <summary>Creates an array whose elements are zero.</summary>
    public static AttachedArray Create(SegmentName name, NewArray array, UnixFileMode mode, bool reserve)
        => new(Segment.Create(name, new SegmentImage(array.FileLength, array.Head, array.Tail), mode, reserve), array.Header);

    /// <summary>Attaches an array. Nothing is mapped before its header is read, into private memory, and found good.</summary>
    /// <param name="name">The array.</param>
    /// <param name="expected">The element type that it must have, or null for any.</param>
    /// <param name="access">What its memory may be used for.</param>
    /// <param name="allowOtherOwners">Whether a file of another user is welcome.</param>
    public static AttachedArray Attach(SegmentName name, ElementType? expected, SegmentAccess access, bool allowOtherOwners)
    {
        SegmentFile file = SegmentFile.Open(name, access, allowOtherOwners, out Native.Interop.Status status);
        try
        {
            ArrayHeader header = ArrayReader.Read(file, status.Size);
            CheckUsable(name, header, expected);
            return new AttachedArray(Segment.Attach(file, status.Size, access), header);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static void CheckUsable(SegmentName name, ArrayHeader header, ElementType? expected)
    {
        if (expected is not null && header.Type != expected)
        {
            string hint = header.Type is ScalarType { IsNativeOrder: false } foreign
                ? $" Its bytes are in the other order: convert it in Python with a.astype('{ScalarType.Native(foreign.Kind, foreign.Size, foreign.Unit)}')."
                : string.Empty;
            throw new InvalidDataException($"'{name}' holds {header.Type} elements, not {expected}.{hint}");
        }

        if (header.IsFortranOrder && header.Shape.Length > 1)
        {
            throw new InvalidDataException(
                $"'{name}' is in Fortran order, shape {ShapeText.Of(header.Shape.AsSpan())}: convert it in Python with np.ascontiguousarray(a).");
        }
    }
}
