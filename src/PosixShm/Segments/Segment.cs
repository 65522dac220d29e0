using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A segment mapped into this process. Knows nothing of what is stored in it.</summary>
/// <remarks>
/// It lives as long as somebody holds a reference: the creator has the first one. There is no finalizer: a mapping that went away while a span still points into it would hand the span whatever is mapped there
/// next. One whose references are never released stays until the process ends.
/// </remarks>
internal sealed unsafe class Segment : IByteSource
{
    private static readonly Gate s_gate = new();

    private readonly SegmentFile _file;
    private readonly Mapping _mapping;
    private readonly int _place;
    private SharedDescriptor? _forChildren;
    private SharedDescriptor? _inherited;
    private Mapping? _sharedView;
    private SegmentToken? _spare;
    private ReferenceCount _references = new();

    /// <summary>Takes over an open file and its mapping.</summary>
    public Segment(SegmentFile file, Mapping mapping, SegmentExtent extent, SegmentAccess access)
    {
        _file = file;
        _mapping = mapping;
        Extent = extent;
        Access = access;
        _place = LostMemory.Segments.Add(this);
    }

    /// <summary>Gets whether a bus error in a mapping reaches the guard; see <see cref="Interop.IsGuardActive"/>.</summary>
    public static bool IsGuardActive => IsGuarded && Interop.IsGuardActive() != 0;

    /// <summary>Gets whether mappings are guarded, so that a touch of lost memory is not the process's death.</summary>
    public static bool IsGuarded => Mapping.IsGuarded;

    public SegmentName Name => _file.Name;

    /// <summary>Gets what of the file is used and mapped.</summary>
    public SegmentExtent Extent { get; }

    /// <summary>Gets what this process may do with it.</summary>
    public SegmentAccess Access { get; }

    /// <summary>Gets the first mapped byte. Valid for as long as a reference is held.</summary>
    public nint Address => _mapping.Address;

    /// <summary>Gets whether memory of the mapping was lost, and zeros put in its place: nothing read since can be trusted.</summary>
    public bool IsLost => Volatile.Read(ref *_mapping.Lost) != 0;

    /// <summary>Tells whether the file is shorter than what is used of it, touched since or not: then its memory is lost. Asks the kernel.</summary>
    public bool IsTruncated() => GetSize() < Extent.End;

    /// <summary>Gets the file's size, and marks the memory as lost if the file is shorter than what is used of it. Asks the kernel.</summary>
    public long GetSize()
    {
        long size = Status.Size;
        if (size < Extent.End)
        {
            MarkLost();
        }

        return size;
    }

    /// <summary>Makes the file longer, with zeros, or fails and leaves it as it was.</summary>
    /// <param name="offset">Where the new bytes begin, at the file's end or behind it.</param>
    /// <param name="length">How many there are.</param>
    /// <exception cref="IOException">There is no space.</exception>
    /// <exception cref="UnauthorizedAccessException">The file's size is sealed, or it is immutable.</exception>
    public void Grow(long offset, int length) => _file.Grow(offset, length, Address);

    /// <inheritdoc cref="SegmentFile.IsInArrayDirectory"/>
    public bool IsInArrayDirectory() => _file.IsInArrayDirectory();

    /// <summary>Marks the memory as lost, for one who learned it otherwise than by a fault.</summary>
    public void MarkLost() => _mapping.MarkLost();

    /// <summary>Marks the memory as lost if the file is shorter than what is used of it. May be called at any time.</summary>
    public void CheckSize()
    {
        if (TryAddReference())
        {
            _ = GetSize();
            Release();
        }
    }

    /// <summary>Gets the word behind <see cref="IsLost"/>, for code that looks at it often. It outlives the segment.</summary>
    public int* Lost => _mapping.Lost;

    /// <summary>Gets what the kernel knows of the file.</summary>
    public Interop.Status Status => _file.GetStatus();

    /// <inheritdoc cref="SegmentFile.FindLockedFile"/>
    public string? FindLockedFile() => _file.FindLockedFile();

    /// <summary>Gets whether the name still stands for this segment, and the file has all that is used of it.</summary>
    public bool IsCurrent => _file.IsCurrent(Extent.End);

    /// <inheritdoc cref="SegmentFile.GetNamedFile"/>
    public NamedFile NamedFile() => _file.GetNamedFile();

    /// <inheritdoc cref="SegmentFile.Read"/>
    public int Read(Span<byte> buffer, long offset) => _file.Read(buffer, offset);

    /// <summary>Maps a checked file and takes it over.</summary>
    public static Segment Attach(SegmentFile file, SegmentExtent extent, SegmentAccess access)
        => new(file, file.Map(extent.Mapped, access), extent, access)
        {
            _inherited = file.Name.Kind == SegmentKind.Descriptor ? SharedDescriptor.TryUse(file.Name) : null,
        };

    /// <inheritdoc cref="SegmentFile.TryLockByte"/>
    public bool TryLockByte(long offset) => _file.TryLockByte(offset);

    /// <inheritdoc cref="SegmentFile.IsByteLocked"/>
    public bool IsByteLocked(long offset) => _file.IsByteLocked(offset);

    /// <summary>
    /// Gets the address of a range as all processes see it. A private mapping gets a second one of the range, shared and read-only, because every store to a page of its
    /// own, and every shared futex wait on it, freezes that page. The range must be the same in each call.
    /// </summary>
    public nint GetSharedView(long offset, long length)
    {
        if (Access != SegmentAccess.CopyOnWrite)
        {
            return Address + (nint)offset;
        }

        long start = offset - (offset % Environment.SystemPageSize);
        using (s_gate.Enter())
        {
            if (_sharedView is null)
            {
                _sharedView = _file.Map(length + offset - start, SegmentAccess.ReadOnly, start);
            }

            return _sharedView.Address + (nint)(offset - start);
        }
    }

    /// <summary>Gives programs that this process starts from now on a descriptor of the segment; returns the path that it has in them.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The shared descriptor owns the file's descriptor.")]
    public string MakeInheritable()
    {
        using (s_gate.Enter())
        {
            _forChildren ??= SharedDescriptor.OfChildren(_file.OpenForChildren());
            return _forChildren.Path;
        }
    }

    /// <summary>Writes what was stored in the mapping to the file, and waits for the disk; with <paramref name="withName"/>, also the file itself and its name.</summary>
    public void Flush(bool withName)
    {
        if (Interop.MSync(Address, (ulong)Extent.End) < 0)
        {
            throw SegmentError.Last(Name, SegmentError.Flush);
        }

        if (withName)
        {
            _file.Sync();
        }
    }

    /// <inheritdoc cref="SegmentSpace.Compact"/>
    public long Compact() => SegmentSpace.Compact(Address, Extent.End);

    /// <summary>Keeps the mapping's pages in memory: they are all there afterwards, and never swapped out.</summary>
    public void LockInMemory()
    {
        if (Interop.MLock(Address, (ulong)Extent.End) < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw Interop.ConvertErrno(errno) is Interop.Error.ENOMEM or Interop.Error.EPERM
                ? SegmentError.LockLimit(errno, Name, Extent.End)
                : SegmentError.From(errno, Name, "lock in memory");
        }
    }

    /// <summary>Lets the mapping's pages go where the kernel wants them.</summary>
    public void UnlockFromMemory()
    {
        if (Interop.MUnlock(Address, (ulong)Extent.End) < 0)
        {
            throw SegmentError.Last(Name, "unlock from memory");
        }
    }

    /// <summary>Takes a reference; false if the last one is gone already.</summary>
    public bool TryAddReference() => _references.TryAdd();

    /// <summary>Gives a reference back; the last one unmaps, and then says that the segment is no longer in use.</summary>
    public void Release()
    {
        if (_references.Release())
        {
            LostMemory.Segments.Remove(_place);
            _mapping.Dispose();
            _sharedView?.Dispose();
            _forChildren?.Release();
            _inherited?.Release();
            _file.Dispose();
        }
    }

    /// <summary>Gives a token for a reference that the caller has taken, and that is released by it.</summary>
    public SegmentToken Token() => Interlocked.Exchange(ref _spare, null) ?? new SegmentToken(this);

    /// <summary>Takes a token back, and releases its reference.</summary>
    public void Return(SegmentToken token)
    {
        Volatile.Write(ref _spare, token);
        Release();
    }
}
