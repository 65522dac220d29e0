using System.Runtime.CompilerServices;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>When an attachment adds the control page to an array without one.</summary>
internal enum PagePolicy
{
    /// <summary>Never. An existing page is not used either.</summary>
    Never,

    /// <summary>When it is first needed, if the file is in the directory of shared memory. In other files, bytes after the elements may
    /// belong to the owner.</summary>
    InArrayDirectory,

    /// <summary>When it is first needed.</summary>
    Always,
}

/// <summary>Writes a new array's elements before another process can attach it.</summary>
internal delegate void ArrayFiller(AttachedArray array);

/// <summary>An array mapped into this process: the segment, and its header, which was read once.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Header">The header that was read.</param>
/// <param name="LocksBehind">The number of locks after its control page; see <see cref="PagePlace"/>.</param>
/// <param name="Policy">When this attachment adds the control page.</param>
internal sealed record AttachedArray(Segment Segment, ArrayHeader Header, int LocksBehind, PagePolicy Policy)
{
    /// <summary>Gets the place of the control page, which need not exist.</summary>
    public PagePlace Page => new(Header.DataEnd, LocksBehind);

    /// <summary>Gets the address of the first element.</summary>
    public nint Data => Segment.Address + (nint)Header.DataOffset;

    /// <summary>Creates an array. Its elements are zero unless a filler writes them, before another process can attach it.</summary>
    public static AttachedArray Create(
        SegmentName name, NewArray array, SegmentOptions options, PagePolicy policy, ArrayFiller? fill = null)
    {
        using FilledOnce? filled = fill is null ? null : new(fill, array);
        return Of(SegmentCreation.Create(name, Image(array), options, filled is null ? null : filled.Fill), array, policy);
    }

    /// <summary>Creates an array in place of an old one, with its owner, group and permissions.</summary>
    public static AttachedArray Replace(
        SegmentName name, NewArray array, SegmentOptions options, Replacement replacement, PagePolicy policy, ArrayFiller? fill = null)
    {
        using FilledOnce? filled = fill is null ? null : new(fill, array);
        return Of(SegmentCreation.Replace(name, Image(array), options, filled is null ? null : filled.Fill, replacement), array, policy);
    }

    public static AttachedArray CreateAnonymous(
        string label, NewArray array, SegmentOptions options, PagePolicy policy, ArrayFiller? fill = null)
    {
        using FilledOnce? filled = fill is null ? null : new(fill, array);
        return Of(SegmentCreation.CreateAnonymous(label, Image(array), options, filled is null ? null : filled.Fill), array, policy);
    }

    /// <summary>Attaches an array. The memory is mapped only after the header was read into private memory and checked.</summary>
    /// <param name="name">The array.</param>
    /// <param name="expected">The element type that it must have, or null for any.</param>
    /// <param name="access">How its memory may be used.</param>
    /// <param name="attachPolicy">Which files are acceptable.</param>
    /// <param name="policy">When the attachment adds a control page.</param>
    [SkipLocalsInit] // Only bytes that were read are used.
    public static AttachedArray Attach(
        SegmentName name, DType? expected, SegmentAccess access, AttachPolicy attachPolicy, PagePolicy policy)
    {
        SegmentFile file = SegmentFile.Open(name, access, attachPolicy, out Native.Interop.Probe probe);
        try
        {
            ArrayHeader header = ArrayReader.Read(name, file, probe);
            if (expected is not null && !header.IsPlainly(expected))
            {
                CheckType(name, header, expected);
            }

            return Map(file, header, probe.Status.Size, access, policy);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Attaches bytes without a description.</summary>
    /// <exception cref="InvalidDataException">The file is too short, or the offset is not a multiple of the element type's
    /// alignment.</exception>
    public static AttachedArray AttachRaw(
        SegmentName name, DType type, ReadOnlySpan<long> shape, long length, long offset, AttachPolicy attachPolicy)
    {
        long end = offset > long.MaxValue - length ? long.MaxValue : offset + length;
        ArrayHeader header = new(Format: null, type, [.. shape], IsFortranOrder: false, offset, length, end);
        CheckAligned(name, header);
        SegmentFile file = SegmentFile.Open(name, SegmentAccess.ReadWrite, attachPolicy, out Native.Interop.Probe probe);
        try
        {
            long size = probe.Status.Size;
            return size > 0 && header.End <= size
                ? Map(file, header, size, SegmentAccess.ReadWrite, PagePolicy.Never)
                : throw new InvalidDataException(
                    $"'{name}' has {size} bytes, too few for the shape {ShapeText.Of(shape)} of {type} at offset {offset}.");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Maps a segment whose header was read, and becomes the owner of the file.</summary>
    public static AttachedArray Map(SegmentFile file, ArrayHeader header, long size, SegmentAccess access, PagePolicy policy)
    {
        bool hasPage = ArrayReader.TryFindPage(file, header, size, out PagePlace page);
        Segment segment = Segment.Attach(file, Extent(header, hasPage ? page.LocksEnd : 0), access);
        return new AttachedArray(segment, header, page.LocksBehind, hasPage ? policy : PagePolicy.Never);
    }

    /// <summary>Adds a reference to the mapping, for a second array.</summary>
    /// <exception cref="ObjectDisposedException">The segment is already unmapped.</exception>
    public AttachedArray Share()
    {
        ObjectDisposedException.ThrowIf(!Segment.TryAddReference(), this);
        return this;
    }

    /// <summary>Returns whether the name still refers to this array, and its file has the size and the header that it was attached
    /// with.</summary>
    public bool IsCurrent() => Segment.IsCurrent && (Header.Format is null || HasSameHeader(Segment.Status.Size));

    /// <summary>Returns whether the file has the header that the array was attached with: no program has saved over the file
    /// since.</summary>
    /// <param name="size">The size of the file, in bytes.</param>
    public bool HasSameHeader(long size)
    {
        try
        {
            return ArrayReader.Read(Segment.Name, Segment, size).DescribesSame(Header);
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    // mmap refuses a length of zero, so a raw array without elements maps one byte.
    private static SegmentExtent Extent(ArrayHeader header, long pageEnd) => new(header.End, Math.Max(1, Math.Max(header.End, pageEnd)));

    private static SegmentImage Image(NewArray array)
        => new(Extent(array.Header, array.Place.LocksEnd), array.FileLength, array.Head, array.Place.Offset, array.Page, array.Tail);

    private static AttachedArray Of(Segment segment, NewArray array, PagePolicy policy)
        => new(segment, array.Header, array.Place.LocksBehind, policy);

    /// <summary>Throws if the array has another element type, or if its elements are not aligned, so that reads and writes could be
    /// torn.</summary>
    public static void CheckType(SegmentName name, ArrayHeader header, DType wanted)
    {
        if (!header.Holds(wanted))
        {
            string hint = header.Type is ScalarType { IsNativeOrder: false } foreign
                ? " Its elements are in the other byte order: convert them in Python with "
                    + $"a.astype('{ScalarType.Native(foreign.Kind, foreign.Size, foreign.Unit)}')."
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
                $"The {header.Type} elements of '{name}' start at byte {header.DataOffset}, which is not a multiple of "
                + $"{header.Type.Alignment}: reads and writes could be torn. Attach the array with SharedArray.AttachUntyped, whose "
                + "GetValue and SetValue copy elements, or attach its bytes with AttachRaw<byte>.");
        }
    }

    /// <summary>Fills the first segment, and copies its elements into further ones. A system may refuse to publish a segment after it was
    /// filled, and a stream can be read only once.</summary>
    private sealed unsafe class FilledOnce(ArrayFiller fill, NewArray array) : IDisposable
    {
        private AttachedArray? _first;

        public void Fill(Segment segment)
        {
            // Without a control page, because no other process can attach the array yet.
            AttachedArray current = Of(segment, array, PagePolicy.Never);
            if (_first is not null)
            {
                _ = ParallelMemory.Copy((void*)current.Data, (void*)_first.Data, current.Header.DataLength);
                return;
            }

            fill(current);
            _first = current.Share();
        }

        public void Dispose() => _first?.Segment.Release();
    }
}
