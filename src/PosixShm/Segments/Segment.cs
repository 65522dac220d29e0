using System.Diagnostics.CodeAnalysis;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A segment that is mapped into this process. The content has no meaning here.</summary>
/// <remarks>It exists as long as a reference is held; the creator has the first one. There is no finalizer: it could unmap memory to which
/// a span still points, and the span would then see the next mapping at that address. If a reference is never released, the mapping exists
/// until the process ends.</remarks>
internal sealed unsafe partial class Segment : IByteSource
{
    private static readonly Gate s_gate = new();

    private readonly SegmentFile _file;
    private readonly Mapping _mapping;
    private readonly int _place;
    private SharedDescriptor? _forChildren;
    private SharedDescriptor? _inherited;
    private SharedViews? _sharedViews;
    private SegmentToken? _spare;
    private ReferenceCount _references = new();

    /// <summary>Owns an open file and its mapping.</summary>
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

    /// <summary>Gets whether mappings are guarded, so that a touch of lost memory does not end the process.</summary>
    public static bool IsGuarded => Mapping.IsGuarded;

    public SegmentName Name => _file.Name;

    public SegmentExtent Extent { get; }

    /// <summary>Gets the offset in the file of the first byte that is mapped, a multiple of the page size. It is not 0 only for mappings
    /// that are not of arrays.</summary>
    public long Offset { get; private init; }

    public SegmentAccess Access { get; }

    /// <summary>Gets the address of the first byte. It is valid while a reference is held.</summary>
    public nint Address => _mapping.Address;

    /// <summary>Gets whether memory of the mapping was lost and replaced by zeros. Nothing that was read since can be trusted.</summary>
    public bool IsLost => Volatile.Read(ref *_mapping.Lost) != 0;

    // The size that the file must have.
    private long FileEnd => Offset + Extent.End;

    /// <summary>Returns whether the file is shorter than its extent, so that memory is lost, touched or not. Makes a system call.</summary>
    public bool IsTruncated() => GetSize() < FileEnd;

    /// <summary>Gets the file's size, and marks the memory as lost if the file is shorter than its extent. Makes a system call.</summary>
    public long GetSize()
    {
        long size = Status.Size;
        if (size < FileEnd)
        {
            MarkLost();
        }

        return size;
    }

    /// <summary>Makes the file longer, with zeros, or fails and leaves it unchanged.</summary>
    /// <param name="offset">The offset of the new bytes, at the file's end or behind it.</param>
    /// <param name="length">The number of new bytes.</param>
    /// <exception cref="IOException">There is no space.</exception>
    /// <exception cref="UnauthorizedAccessException">The file's size is sealed, or it is immutable.</exception>
    public void Grow(long offset, int length) => _file.Grow(offset, length, Address);

    /// <inheritdoc cref="SegmentFile.IsInArrayDirectory"/>
    public bool IsInArrayDirectory() => _file.IsInArrayDirectory();

    /// <summary>Marks the memory as lost, after a check that found it without a fault.</summary>
    public void MarkLost() => _mapping.MarkLost();

    /// <summary>Marks the memory as lost if the file is shorter than its extent. May be called at any time.</summary>
    public void CheckSize()
    {
        if (TryAddReference())
        {
            _ = GetSize();
            Release();
        }
    }

    /// <summary>Gets the word behind <see cref="IsLost"/>, for code that reads it often. It outlives the segment.</summary>
    public int* Lost => _mapping.Lost;

    public Interop.Status Status => _file.GetStatus();

    /// <inheritdoc cref="SegmentFile.FindLockedFile"/>
    public string? FindLockedFile() => _file.FindLockedFile();

    /// <summary>Gets whether the name still stands for this segment, and the file has its whole extent.</summary>
    public bool IsCurrent => _file.IsCurrent(FileEnd);

    /// <inheritdoc cref="SegmentFile.GetNamedFile"/>
    public NamedFile NamedFile() => _file.GetNamedFile();

    /// <inheritdoc cref="SegmentFile.Read"/>
    public int Read(Span<byte> buffer, long offset) => _file.Read(buffer, offset);

    /// <summary>Maps a checked file, and owns it.</summary>
    public static Segment Attach(SegmentFile file, SegmentExtent extent, SegmentAccess access)
        => new(file, file.Map(extent.Mapped, access), extent, access)
        {
            _inherited = file.Name.Kind == SegmentKind.Descriptor ? SharedDescriptor.TryUse(file.Name) : null,
        };

    /// <summary>Maps a range of a file as the flags say, and owns the file.</summary>
    public static Segment Map(SegmentFile file, long offset, long length, Interop.MapFlags flags)
    {
        SegmentAccess access = (flags & Interop.MapFlags.MAP_PRIVATE) != 0 ? SegmentAccess.CopyOnWrite
            : (flags & Interop.MapFlags.MAP_WRITE) != 0 ? SegmentAccess.ReadWrite
            : SegmentAccess.ReadOnly;
        return new Segment(file, file.Map(length, flags, offset), new SegmentExtent(length, length), access) { Offset = offset };
    }

    /// <inheritdoc cref="SegmentFile.TryLockByte"/>
    public bool TryLockByte(long offset) => _file.TryLockByte(offset);

    /// <inheritdoc cref="SegmentFile.IsByteLocked"/>
    public bool IsByteLocked(long offset) => _file.IsByteLocked(offset);

    /// <summary>Gets the address of a range that all processes share. A private mapping gets a second one of the range, shared and
    /// read-only: every store to a page of its own, and every shared futex wait on it, freezes that page. The range must be the same in
    /// each call.</summary>
    public nint GetSharedView(long offset, long length)
    {
        if (Access != SegmentAccess.CopyOnWrite)
        {
            return Address + (nint)offset;
        }

        long start = offset - (offset % Environment.SystemPageSize);
        using (s_gate.Enter())
        {
            _sharedViews ??= new SharedViews(_file);
            return _sharedViews.MapRange(start, length + offset - start).Address + (nint)(offset - start);
        }
    }

    /// <summary>Gets the address of the first byte in memory that all processes share, to read only. A private mapping gets a second one of
    /// the whole segment, because its own pages may have private stores.</summary>
    /// <param name="lost">The lost word of that mapping.</param>
    public nint GetSharedAddress(out int* lost)
    {
        Mapping shared = _mapping;
        if (Access == SegmentAccess.CopyOnWrite)
        {
            using (s_gate.Enter())
            {
                _sharedViews ??= new SharedViews(_file);
                shared = _sharedViews.MapWhole(Extent.Mapped);
            }
        }

        lost = shared.Lost;
        return shared.Address;
    }

    /// <summary>Returns whether a lost word is that of one of the segment's mappings.</summary>
    public bool HasLostWord(int* lost) => lost == _mapping.Lost || _sharedViews?.HasLostWord(lost) == true;

    /// <summary>Opens a descriptor of the segment for programs that this process starts from now on. Returns its path in them.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The shared descriptor owns the file's descriptor.")]
    public string MakeInheritable()
    {
        using (s_gate.Enter())
        {
            _forChildren ??= SharedDescriptor.OfChildren(_file.OpenForChildren());
            return _forChildren.Path;
        }
    }

    /// <summary>Writes the stores in the mapping to the disk. With <paramref name="withName"/>, the file and its name follow.</summary>
    public void Flush(bool withName)
    {
        Flush(0, Extent.End);
        if (withName)
        {
            _file.Sync();
        }
    }

    /// <inheritdoc cref="SegmentFile.Compact"/>
    public long Compact() => SegmentFile.Compact(Address, Extent.End);

    /// <inheritdoc cref="LockInMemory(long, long)"/>
    public void LockInMemory() => LockInMemory(0, Extent.End);

    /// <inheritdoc cref="UnlockFromMemory(long, long)"/>
    public void UnlockFromMemory() => UnlockFromMemory(0, Extent.End);

    /// <summary>Adds a reference. False if the last one was already released.</summary>
    public bool TryAddReference() => _references.TryAdd();

    /// <summary>Releases a reference. The last release unmaps, and then ends the use of the segment.</summary>
    public void Release()
    {
        if (_references.Release())
        {
            LostMemory.Segments.Remove(_place);
            _mapping.Dispose();
            _sharedViews?.Dispose();
            _forChildren?.Release();
            _inherited?.Release();
            _file.Dispose();
        }
    }

    /// <summary>Gets a token for a reference that the caller has added. The token releases it.</summary>
    public SegmentToken Token() => Interlocked.Exchange(ref _spare, null) ?? new SegmentToken(this);

    /// <summary>Keeps a token for the next lease, and releases its reference.</summary>
    public void Return(SegmentToken token)
    {
        Volatile.Write(ref _spare, token);
        Release();
    }
}
