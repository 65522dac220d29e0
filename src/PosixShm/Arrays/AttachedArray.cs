using System.Runtime.CompilerServices;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>When an attachment adds the control page to an array that has none.</summary>
internal enum PagePolicy
{
    /// <summary>Never, and it does not use one that is there.</summary>
    Never,

    /// <summary>When it is first needed, if the file is in the directory of shared memory. What follows the elements of other files may be their owner's.</summary>
    InArrayDirectory,

    /// <summary>When it is first needed.</summary>
    Always,
}

/// <summary>Writes a new array's elements, before any other process can see it.</summary>
internal delegate void ArrayFiller(AttachedArray array);

/// <summary>An array mapped into this process: the segment, and what its header said when it was read, once.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Header">What its header said.</param>
/// <param name="LocksBehind">The locks behind its control page; see <see cref="PagePlace"/>.</param>
/// <param name="Policy">When this attachment adds that page.</param>
internal sealed record AttachedArray(Segment Segment, ArrayHeader Header, int LocksBehind, PagePolicy Policy)
{
    /// <summary>Gets the place of the control page, whether it is there or not.</summary>
    public PagePlace Page => new(Header.DataEnd, LocksBehind);

    /// <summary>Gets the address of the first element.</summary>
    public nint Data => Segment.Address + (nint)Header.DataOffset;

    /// <summary>Creates an array. Its elements are zero unless they are filled, which is before anybody else can see them.</summary>
    public static AttachedArray Create(SegmentName name, NewArray array, SegmentOptions options, PagePolicy policy, ArrayFiller? fill = null)
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

    /// <summary>Creates an array without a name.</summary>
    public static AttachedArray CreateAnonymous(string label, NewArray array, SegmentOptions options, PagePolicy policy, ArrayFiller? fill = null)
    {
        using FilledOnce? filled = fill is null ? null : new(fill, array);
        return Of(SegmentCreation.CreateAnonymous(label, Image(array), options, filled is null ? null : filled.Fill), array, policy);
    }

    /// <summary>Attaches an array. Nothing is mapped before its header is read, into private memory, and found good.</summary>
    /// <param name="name">The array.</param>
    /// <param name="expected">The element type that it must have, or null for any.</param>
    /// <param name="access">What its memory may be used for.</param>
    /// <param name="attachPolicy">Which files are welcome.</param>
    /// <param name="policy">When the attachment adds a control page.</param>
    [SkipLocalsInit] // What is looked at is what was read.
    public static AttachedArray Attach(SegmentName name, DType? expected, SegmentAccess access, AttachPolicy attachPolicy, PagePolicy policy)
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

    /// <summary>Attaches bytes that do not say themselves what they are.</summary>
    /// <exception cref="InvalidDataException">The file is too short, or the offset is not a multiple of the type's alignment.</exception>
    public static AttachedArray AttachRaw(SegmentName name, DType type, ReadOnlySpan<long> shape, long length, long offset, AttachPolicy attachPolicy)
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
                    $"'{name}' has {size} bytes, too few for the shape {ShapeText.Of(header.Shape.AsSpan())} of {type} at offset {offset}.");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Maps a segment whose header was read, and takes it over.</summary>
    public static AttachedArray Map(SegmentFile file, ArrayHeader header, long size, SegmentAccess access, PagePolicy policy)
    {
        bool hasPage = ArrayReader.TryFindPage(file, header, size, out PagePlace page);
        return new AttachedArray(Segment.Attach(file, Extent(header, hasPage ? page.LocksEnd : 0), access), header, page.LocksBehind, hasPage ? policy : PagePolicy.Never);
    }

    /// <summary>Shares the mapping with a second array.</summary>
    /// <exception cref="ObjectDisposedException">It is unmapped already.</exception>
    public AttachedArray Share()
    {
        ObjectDisposedException.ThrowIf(!Segment.TryAddReference(), this);
        return this;
    }

    /// <summary>Returns whether the name still stands for this array, and the file's size and header are those that it was attached with.</summary>
    public bool IsCurrent() => Segment.IsCurrent && (Header.Format is null || HasSameHeader(Segment.Status.Size));

    /// <summary>Returns whether the file's header is the one that the array was attached with: no program saved over the file since.</summary>
    /// <param name="size">The size of the file.</param>
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

    // A mapping of length zero is none: one byte stands for a raw array without elements.
    private static SegmentExtent Extent(ArrayHeader header, long pageEnd) => new(header.End, Math.Max(1, Math.Max(header.End, pageEnd)));

    private static SegmentImage Image(NewArray array)
        => new(Extent(array.Header, array.Place.LocksEnd), array.FileLength, array.Head, array.Place.Offset, array.Page, array.Tail);

    private static AttachedArray Of(Segment segment, NewArray array, PagePolicy policy) => new(segment, array.Header, array.Place.LocksBehind, policy);

    /// <summary>Refuses elements of another type, and those whose reads and writes would be torn.</summary>
    public static void CheckType(SegmentName name, ArrayHeader header, DType wanted)
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
                "Attach the array with SharedArray.AttachUntyped, whose GetValue and SetValue copy elements, or its bytes with AttachRaw<byte>.");
        }
    }

    /// <summary>
    /// Fills the first segment, and copies from it into further ones. A system may refuse to publish a segment that is filled already, and a stream can be read
    /// only once.
    /// </summary>
    private sealed unsafe class FilledOnce(ArrayFiller fill, NewArray array) : IDisposable
    {
        private AttachedArray? _first;

        public void Fill(Segment segment)
        {
            // Without a page: locks are for processes that see the array.
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
