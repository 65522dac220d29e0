using PosixShm.Format;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>An array mapped into this process: the segment, and what its header said when it was read, once.</summary>
internal sealed record AttachedArray(Segment Segment, ArrayHeader Header)
{
    /// <summary>Gets the address of the first element.</summary>
    public nint Data => Segment.Address + (nint)Header.DataOffset;

    /// <summary>Creates an array. Its elements are zero unless they are filled, which is before anybody else can see them.</summary>
    public static AttachedArray Create(SegmentName name, NewArray array, SegmentOptions options, SegmentFiller? fill = null)
        => new(SegmentCreation.Create(name, Image(array), options, Shifted(fill, array)), array.Header);

    /// <summary>Creates an array in place of an old one, with its owner, group and permissions.</summary>
    public static AttachedArray Replace(SegmentName name, NewArray array, SegmentOptions options, Replacement replacement, SegmentFiller? fill = null)
        => new(SegmentCreation.Replace(name, Image(array), options, Shifted(fill, array), replacement), array.Header);

    /// <summary>Creates an array without a name.</summary>
    public static AttachedArray CreateAnonymous(string label, NewArray array, SegmentOptions options, SegmentFiller? fill = null)
        => new(SegmentCreation.CreateAnonymous(label, Image(array), options, Shifted(fill, array)), array.Header);

    /// <summary>Attaches an array. Nothing is mapped before its header is read, into private memory, and found good.</summary>
    /// <param name="name">The array.</param>
    /// <param name="expected">The element type that it must have, or null for any.</param>
    /// <param name="access">What its memory may be used for.</param>
    /// <param name="trust">Which files are welcome.</param>
    public static AttachedArray Attach(SegmentName name, ElementType? expected, SegmentAccess access, SegmentTrust trust)
        => Attach(name, access, trust, (file, size) =>
        {
            ArrayHeader header = ArrayReader.Read(name, file.Read, size);
            CheckUsable(name, header, expected);
            return header;
        });

    /// <summary>Attaches bytes that do not say themselves what they are.</summary>
    /// <exception cref="InvalidDataException">The file is too short, or the offset is not a multiple of the type's alignment.</exception>
    public static AttachedArray AttachRaw(SegmentName name, ElementType type, ReadOnlySpan<long> shape, long length, long offset, SegmentTrust trust)
    {
        ArrayHeader header = new(HeaderFormat.Raw, type, [.. shape], IsFortranOrder: false, offset, length, ControlOffset: 0, Control: null);
        CheckAligned(name, header);
        return Attach(name, SegmentAccess.ReadWrite, trust, (_, size) =>
            size > 0 && offset <= size && length <= size - offset
                ? header
                : throw new InvalidDataException(
                    $"'{name}' has {size} bytes, too few for the shape {ShapeText.Of(header.Shape.AsSpan())} of {type} at offset {offset}."));
    }

    private static AttachedArray Attach(SegmentName name, SegmentAccess access, SegmentTrust trust, Func<SegmentFile, long, ArrayHeader> describe)
    {
        SegmentFile file = SegmentFile.Open(name, access, trust, out Native.Interop.Status status);
        try
        {
            ArrayHeader header = describe(file, status.Size);
            return new AttachedArray(Segment.Attach(file, status.Size, access), header);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Shares the mapping with a second array.</summary>
    /// <exception cref="ObjectDisposedException">It is unmapped already.</exception>
    public AttachedArray Share()
    {
        ObjectDisposedException.ThrowIf(!Segment.TryAddReference(), this);
        return this;
    }

    /// <summary>Returns whether the name still stands for this array, and the file's size and header are those that it was attached with.</summary>
    public bool IsCurrent()
    {
        if (!Segment.IsCurrent || Header.Format == HeaderFormat.Raw)
        {
            return Segment.IsCurrent;
        }

        try
        {
            return ArrayReader.Read(Segment.Name, Segment.Read, Segment.Length).DescribesSame(Header);
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static SegmentImage Image(NewArray array) => new(array.FileLength, array.Head, array.Tail);

    // A filler of elements is given the address of the first one.
    private static SegmentFiller? Shifted(SegmentFiller? fill, NewArray array)
        => fill is null ? null : address => fill(address + (nint)array.Header.DataOffset);

    /// <summary>Refuses elements of another type, and those whose reads and writes would be torn.</summary>
    public static void CheckType(SegmentName name, ArrayHeader header, ElementType wanted)
    {
        if (!header.Holds(wanted))
        {
            string hint = header.Type is ScalarType { IsNativeOrder: false } foreign
                ? $" Its bytes are in the other order: convert it in Python with a.astype('{ScalarType.Native(foreign.Kind, foreign.Size, foreign.Unit)}')."
                : string.Empty;
            throw new InvalidDataException($"'{name}' holds {header.Type} elements, not {wanted}.{hint}");
        }

        CheckAligned(name, header);
    }

    private static void CheckAligned(SegmentName name, ArrayHeader header)
    {
        if (!header.IsAligned)
        {
            throw new InvalidDataException(
                $"The {header.Type} elements of '{name}' start at byte {header.DataOffset}, which is not a multiple of {header.Type.Alignment}: reads and writes could be torn. " +
                "Attach the array with SharedArray.Open, whose GetValue and SetValue copy elements, or its bytes with AttachRaw<byte>.");
        }
    }

    /// <summary>Checks that an array can be used as one of a type, or of any.</summary>
    public static void CheckUsable(SegmentName name, ArrayHeader header, ElementType? expected)
    {
        if (expected is not null)
        {
            CheckType(name, header, expected);
        }

        if (header.IsFortranOrder && header.Shape.Length > 1)
        {
            throw new InvalidDataException(
                $"'{name}' is in Fortran order, shape {ShapeText.Of(header.Shape.AsSpan())}: convert it in Python with np.ascontiguousarray(a).");
        }
    }
}
