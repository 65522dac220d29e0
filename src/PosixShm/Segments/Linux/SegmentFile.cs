using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A segment's open file. It marks the segment as in use by a shared lock on a byte far past the end. The kernel releases the lock
/// with the descriptor, however the process ends.</summary>
internal sealed partial class SegmentFile : IByteSource, IDisposable
{
    private readonly Descriptor _fd;
    private readonly bool _isFollowed;
    private bool _isReleased;

    public SegmentFile(SegmentName name, Descriptor fd, bool isFollowed = false)
    {
        Name = name;
        _fd = fd;
        _isFollowed = isFollowed;
    }

    public SegmentName Name { get; }

    /// <summary>Returns whether the file is in the directory of shared memory, whose files this library may extend. A descriptor has no
    /// name, and a link has another file's: there, the kernel's path of the open file decides.</summary>
    public bool IsInArrayDirectory()
    {
        if (Name.Kind != SegmentKind.Descriptor && !_isFollowed)
        {
            return Name.Directory == ArrayDirectory.Path;
        }

        string? path = File.ResolveLinkTarget($"/proc/self/fd/{_fd.Number}", returnFinalTarget: false)?.FullName;
        return Interop.Stat(Path.GetDirectoryName(path) ?? "/", follow: 1, out Interop.Status directory) == 0
            && Interop.Stat(ArrayDirectory.Path, follow: 1, out Interop.Status arrays) == 0
            && (directory.Inode, directory.Device) == (arrays.Inode, arrays.Device);
    }

    /// <summary>Reads bytes into private memory. Returns the number of bytes before the end of the file.</summary>
    public int Read(Span<byte> buffer, long offset)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            long count = Interop.PRead(_fd, buffer[total..], buffer.Length - total, offset + total);
            SegmentError.Check((int)count, Name, SegmentError.Read);
            if (count == 0)
            {
                break;
            }

            total += (int)count;
        }

        return total;
    }

    /// <summary>Writes all the bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        while (!bytes.IsEmpty)
        {
            long count = Interop.PWrite(_fd, bytes, bytes.Length, offset);
            SegmentError.Check((int)count, Name, SegmentError.Create, offset + bytes.Length);
            bytes = bytes[(int)count..];
            offset += count;
        }
    }

    public Interop.Status GetStatus()
    {
        SegmentError.Check(Interop.FStat(_fd, out Interop.Status status), Name, SegmentError.Read);
        return status;
    }

    /// <summary>Returns whether the name still stands for this file, and the file has at least a size.</summary>
    public bool IsCurrent(long size = 0) => GetStatus().Size >= size && GetNamedFile() == NamedFile.Same;

    /// <summary>Returns which file has the name. That of a descriptor cannot be another file's.</summary>
    public NamedFile GetNamedFile()
    {
        if (Name.Kind == SegmentKind.Descriptor)
        {
            return NamedFile.Same;
        }

        Interop.Status mine = GetStatus();
        return Interop.Stat(Name.Path, _isFollowed ? 1 : 0, out Interop.Status named) < 0 ? NamedFile.None
            : named.Inode == mine.Inode && named.Device == mine.Device ? NamedFile.Same
            : NamedFile.Another;
    }

    public Mapping Map(long length, SegmentAccess access, long offset = 0)
    {
        Interop.MapFlags flags = access switch
        {
            SegmentAccess.ReadOnly => Interop.MapFlags.MAP_READ,
            SegmentAccess.CopyOnWrite => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE | Interop.MapFlags.MAP_PRIVATE
                | Interop.MapFlags.MAP_NORESERVE,
            _ => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE,
        };

        return Map(length, flags, offset);
    }

    public Mapping Map(long length, Interop.MapFlags flags, long offset)
        => Mapping.TryMap(_fd, length, flags, offset) ?? throw SegmentError.Last(Name, SegmentError.Map);

    /// <summary>Opens a second descriptor of the open file. Both share its locks, so neither may have any.</summary>
    public SegmentFile Duplicate()
    {
        Descriptor second = Opened(Interop.Duplicate(_fd), Name, SegmentError.Map);
        return new SegmentFile(
            Name.Kind == SegmentKind.Descriptor ? SegmentName.OfDescriptor(Environment.ProcessId, second.Number) : Name, second);
    }

    /// <summary>Transfers the file to a semaphore that the C library mapped from it, for the guard of its page.</summary>
    public void ReleaseTo(SafeSemaphoreHandle semaphore)
    {
        semaphore.Guard(_fd);
        _isReleased = true;
    }

    /// <summary>Transfers the file to a handle for code outside of the library.</summary>
    public SafeFileHandle ReleaseToHandle()
    {
        SafeFileHandle handle = new(_fd.Number, ownsHandle: true);
        _isReleased = true;
        return handle;
    }

    /// <summary>Waits until the file and its name are on disk, so that it can be opened after a crash of the machine.</summary>
    public void Sync()
    {
        SegmentError.Check(Interop.FSync(_fd), Name, SegmentError.Flush);
        if (Name.Kind == SegmentKind.Descriptor)
        {
            return;
        }

        // A new name is an entry of its directory, which is another file; fsync(2).
        string path = (_isFollowed ? File.ResolveLinkTarget(Name.Path, returnFinalTarget: true)?.FullName : null) ?? Name.Path;
        using Descriptor directory = Opened(
            Interop.Open(Path.GetDirectoryName(path)!, Interop.OpenFlags.O_RDONLY | Interop.OpenFlags.O_FOLLOW), Name, SegmentError.Flush);
        SegmentError.Check(Interop.FSync(directory), Name, SegmentError.Flush);
    }

    public void Dispose()
    {
        if (!_isReleased)
        {
            _fd.Dispose();
        }
    }
}
