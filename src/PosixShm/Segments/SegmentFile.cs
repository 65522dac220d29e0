using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>
/// A segment's open file. Whoever holds one marks the segment as in use: a shared lock on a byte far past the end, which the
/// kernel drops with the descriptor, however its process ends.
/// </summary>
internal sealed class SegmentFile : IDisposable
{
    /// <summary>The byte that is locked while a segment is in use. Part of the format: others test it too.</summary>
    public const long InUseByte = 1L << 62;

    private readonly SafeFileHandle _fd;

    public SegmentFile(SegmentName name, SafeFileHandle fd)
    {
        Name = name;
        _fd = fd;
    }

    public SegmentName Name { get; }

    /// <summary>Opens an existing segment and checks that it is what it should be before anything is read.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="access">What it will be mapped for.</param>
    /// <param name="allowOtherOwners">Whether a file of another user, who may change or truncate it at will, is welcome.</param>
    /// <param name="status">What the kernel says of it.</param>
    public static SegmentFile Open(SegmentName name, SegmentAccess access, bool allowOtherOwners, out Interop.Status status)
    {
        Interop.OpenFlags flags = access == SegmentAccess.ReadWrite ? Interop.OpenFlags.O_RDWR : Interop.OpenFlags.O_RDONLY;
        SegmentFile file = new(name, Opened(Interop.Open(name.Path, flags), name, "attach"));

        try
        {
            file.MarkInUse();
            file.Check(Interop.FStat(file._fd, out status), "attach");
            CheckIdentity(name, status, allowOtherOwners);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes a new file without a name, or returns null where the file system cannot.</summary>
    public static SegmentFile? CreateUnnamed(SegmentName name)
    {
        SafeFileHandle fd = Interop.OpenUnnamed(name.Folder);
        return fd.IsInvalid && Interop.LastError is Interop.Error.EOPNOTSUPP or Interop.Error.EISDIR or Interop.Error.EINVAL
            ? null
            : new SegmentFile(name, Opened(fd, name, "create"));
    }

    /// <summary>Makes a new file under a name of its own.</summary>
    public static SegmentFile CreateNamed(SegmentName name, string path)
        => new(name, Opened(Interop.Open(path, Interop.OpenFlags.O_RDWR | Interop.OpenFlags.O_CREAT), name, "create"));

    /// <summary>Says that somebody has the segment attached, for as long as the file is open.</summary>
    public void MarkInUse() => Check(Interop.LockByte(_fd, InUseByte, Interop.ByteLock.LOCK_SHARED), "attach");

    /// <summary>Sets the size of a new file; with <paramref name="reserve"/>, also takes the space, so that no later store can lack it.</summary>
    public void SetLength(long length, bool reserve)
    {
        // In steps, because kernels before 5.18 give up a large reservation at every signal and start again.
        const long Step = 64L << 20;

        // Asked first, because a tmpfs may be as large as all memory: what can never fit must not be taken step by step until
        // the kernel kills somebody. Zero also means "no limit"; then the reservation itself has the word.
        if (reserve && Interop.GetFreeSpace(Name.Folder, out long free, out _) == 0 && free > 0 && length > free)
        {
            throw SegmentError.NoSpace(Name, length);
        }

        for (long offset = 0; reserve && offset < length; offset += Step)
        {
            if (Interop.Allocate(_fd, offset, Math.Min(Step, length - offset)) < 0)
            {
                if (Interop.LastError == Interop.Error.EOPNOTSUPP)
                {
                    break;
                }

                throw LastErrorOf("create", length);
            }
        }

        if (Interop.FTruncate(_fd, length) < 0)
        {
            throw LastErrorOf("create", length);
        }
    }

    /// <summary>Sets the permission bits exactly, whatever the umask.</summary>
    public void SetPermissions(UnixFileMode mode) => Check(Interop.FChMod(_fd, (uint)mode), "create");

    /// <summary>Reads bytes into private memory; returns how many there were.</summary>
    public int Read(Span<byte> buffer, long offset)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            long count = Interop.PRead(_fd, buffer[total..], buffer.Length - total, offset + total);
            if (count < 0)
            {
                throw SegmentError.Last(Name, "read");
            }

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
            if (count < 0)
            {
                throw LastErrorOf("create", offset + bytes.Length);
            }

            bytes = bytes[(int)count..];
            offset += count;
        }
    }

    public SafeMappingHandle Map(long length, SegmentAccess access)
    {
        Interop.MapFlags flags = access switch
        {
            SegmentAccess.ReadOnly => Interop.MapFlags.MAP_READ,
            SegmentAccess.CopyOnWrite => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE | Interop.MapFlags.MAP_PRIVATE,
            _ => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE,
        };

        SafeMappingHandle mapping = SafeMappingHandle.Map(_fd, length, flags);
        return mapping.IsInvalid ? throw SegmentError.Last(Name, "map") : mapping;
    }

    /// <summary>Gives an unnamed file its name. Returns false where the system has no way to.</summary>
    /// <exception cref="IOException">The name is taken.</exception>
    public bool TryPublishUnnamed()
    {
        if (Interop.LinkThroughProc(_fd, Name.Path) == 0)
        {
            return true;
        }

        // ENOENT: there is no /proc here; or, the second time, no right to do without it.
        if (Interop.LastError == Interop.Error.ENOENT && Interop.LinkEmptyPath(_fd, Name.Path) == 0)
        {
            return true;
        }

        return Interop.LastError == Interop.Error.ENOENT ? false : throw SegmentError.Last(Name, "create");
    }

    /// <summary>Moves a file from a name of its own to its real one, if that is free.</summary>
    /// <exception cref="IOException">The name is taken.</exception>
    public void PublishNamed(string path)
    {
        if (Interop.RenameNew(path, Name.Path) == 0)
        {
            return;
        }

        // Some file systems cannot rename without replacing; a link never replaces.
        bool linked = Interop.LastError is Interop.Error.EINVAL or Interop.Error.ENOSYS && Interop.Link(path, Name.Path) == 0;
        if (!linked)
        {
            throw SegmentError.Last(Name, "create");
        }

        _ = Interop.Unlink(path);
    }

    /// <summary>Keeps the file open until <see cref="Dispose"/>, even if the garbage collector finds it unused.</summary>
    public void KeepOpenUntilDisposed() => GC.SuppressFinalize(_fd);

    public void Dispose() => _fd.Dispose();

    private static SafeFileHandle Opened(SafeFileHandle fd, SegmentName name, string action)
    {
        if (fd.IsInvalid)
        {
            Exception error = SegmentError.Last(name, action);
            fd.Dispose();
            throw Interop.ConvertErrno(error.HResult) == Interop.Error.ENOSPC ? SegmentError.NoSpace(error.HResult, name, 0) : error;
        }

        return fd;
    }

    private static void CheckIdentity(SegmentName name, in Interop.Status status, bool allowOtherOwners)
    {
        if (status.Type != Interop.FileType.TYPE_REGULAR)
        {
            throw new InvalidDataException($"'{name}' is not an array, nor any regular file.");
        }

        // Anybody may plant files in the shared folder: a second link there is somebody's trick.
        if (status.Links > 1 && name.Folder == SegmentName.SharedMemoryFolder)
        {
            throw new InvalidDataException($"'{name}' has {status.Links} hard links; a segment has one name.");
        }

        if (!allowOtherOwners && status.Owner != 0 && status.Owner != Interop.GetEffectiveUser())
        {
            throw new UnauthorizedAccessException(
                $"'{name}' belongs to user {status.Owner}, who may change or truncate it at any time; set AllowOtherOwners to attach it.");
        }
    }

    private void Check(int result, string action)
    {
        if (result < 0)
        {
            throw SegmentError.Last(Name, action);
        }
    }

    private Exception LastErrorOf(string action, long bytes)
    {
        Exception error = SegmentError.Last(Name, action);
        return Interop.ConvertErrno(error.HResult) is Interop.Error.ENOSPC or Interop.Error.EDQUOT
            ? SegmentError.NoSpace(error.HResult, Name, bytes)
            : error;
    }
}
