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
    private readonly bool _isFollowed;
    private bool _isMarked;

    public SegmentFile(SegmentName name, SafeFileHandle fd, bool isFollowed = false)
    {
        Name = name;
        _fd = fd;
        _isFollowed = isFollowed;
    }

    public SegmentName Name { get; }

    /// <summary>Opens an existing segment and checks that it is what it should be before anything is read.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="access">What it will be mapped for.</param>
    /// <param name="trust">Which files are welcome.</param>
    /// <param name="status">What the kernel says of it.</param>
    public static SegmentFile Open(SegmentName name, SegmentAccess access, SegmentTrust trust, out Interop.Status status)
    {
        // One that was deleted or replaced since it was opened is no longer what the name stands for.
        const int MostTries = 1000;

        SegmentFile file = OpenOnce(name, access, trust, out status);
        for (int i = 0; status.Links == 0 && name.Kind != SegmentKind.Descriptor && i < MostTries; i++)
        {
            file.Dispose();
            file = OpenOnce(name, access, trust, out status);
        }

        return file;
    }

    /// <summary>Makes a new file without a name, or returns null where the file system cannot.</summary>
    public static SegmentFile? CreateUnnamed(SegmentName name)
    {
        SafeFileHandle fd = Interop.OpenUnnamed(name.Folder);
        return fd.IsInvalid && Interop.LastError is Interop.Error.EOPNOTSUPP or Interop.Error.EISDIR or Interop.Error.EINVAL
            ? null
            : new SegmentFile(name, Opened(fd, name, SegmentError.Create));
    }

    /// <summary>Makes a new file that never has a name, and is named by its descriptor.</summary>
    public static SegmentFile CreateAnonymous(string label)
    {
        LinuxOnly.Check();
        SafeFileHandle fd = Opened(Interop.CreateAnonymous(label), SegmentName.Anonymous, SegmentError.Create);
        return new SegmentFile(SegmentName.OfDescriptor(Environment.ProcessId, fd.DangerousGetHandle()), fd);
    }

    /// <summary>Makes a new file under a name of its own.</summary>
    public static SegmentFile CreateNamed(SegmentName name, string path)
        => new(name, Opened(Interop.Open(path, Interop.OpenFlags.O_RDWR | Interop.OpenFlags.O_CREAT), name, SegmentError.Create));

    /// <summary>Says that somebody has the segment attached, for as long as the file is open.</summary>
    public void MarkInUse()
    {
        // Somebody has the byte for himself alone: one who is about to delete the segment because nobody uses it, and is done in
        // a moment. One who keeps it longer is no program of ours, and "in use" is what the byte says then.
        const int MostTries = 50;

        _isMarked = true;
        for (int i = 0; Interop.LockByte(_fd, InUseByte, Interop.ByteLock.LOCK_SHARED) < 0; i++)
        {
            if (Interop.LastError != Interop.Error.EAGAIN)
            {
                throw SegmentError.Last(Name, "attach");
            }

            if (i == MostTries)
            {
                return;
            }

            Thread.Sleep(1);
        }
    }

    /// <summary>Sets the size of a new file; with <paramref name="reserve"/>, also takes the space, so that no later store can lack it.</summary>
    public void SetLength(long length, bool reserve)
    {
        // Reserving sets the size, too.
        bool isSet = reserve && SegmentSpace.TryReserve(_fd, Name, length);
        if (!isSet && Interop.FTruncate(_fd, length) < 0)
        {
            throw SegmentSpace.Error(Name, length);
        }
    }

    /// <summary>Sets the permission bits exactly, whatever the umask.</summary>
    public void SetPermissions(UnixFileMode mode) => Check(Interop.FChMod(_fd, (uint)mode), SegmentError.Create);

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
                throw SegmentSpace.Error(Name, offset + bytes.Length);
            }

            bytes = bytes[(int)count..];
            offset += count;
        }
    }

    /// <summary>Takes a byte for this open file alone, until it is closed; false if another one has it.</summary>
    public bool TryLockByte(long offset)
        => Interop.LockByte(_fd, offset, Interop.ByteLock.LOCK_EXCLUSIVE) == 0
            || (Interop.LastError == Interop.Error.EAGAIN ? false : throw SegmentError.Last(Name, "lock"));

    /// <summary>Tells whether another open file has a byte.</summary>
    public bool IsByteLocked(long offset)
        => Interop.IsByteLocked(_fd, offset) switch
        {
            < 0 => throw SegmentError.Last(Name, "lock"),
            int locked => locked != 0,
        };

    /// <summary>Makes the size of an anonymous file final: nobody can truncate it under those who have it mapped.</summary>
    public void SealSize() => Check(Interop.SealSize(_fd), SegmentError.Create);

    /// <summary>
    /// Opens the file a second time, for programs that this process starts. Not the same descriptor: they would share the locks on it, and so keep
    /// "in use" and held locks alive when this process is dead.
    /// </summary>
    public SafeFileHandle OpenForChildren()
    {
        SafeFileHandle second = Opened(Interop.Open($"/proc/self/fd/{_fd.DangerousGetHandle()}", Interop.OpenFlags.O_RDWR | Interop.OpenFlags.O_FOLLOW), Name, "hand on");
        if (Interop.SetInheritable(second, 1) < 0)
        {
            Exception error = SegmentError.Last(Name, "hand on");
            second.Dispose();
            throw error;
        }

        GC.SuppressFinalize(second);
        return second;
    }

    /// <summary>Gets the file's size, which others may have changed.</summary>
    public long GetSize()
    {
        Check(Interop.FStat(_fd, out Interop.Status status), "look at");
        return status.Size;
    }

    /// <summary>Gets the file's number in its file system.</summary>
    public ulong GetInode()
    {
        Check(Interop.FStat(_fd, out Interop.Status status), "look at");
        return status.Inode;
    }

    /// <summary>Returns whether the name still stands for this file, and the file has a size.</summary>
    public bool IsCurrent(long size)
    {
        Check(Interop.FStat(_fd, out Interop.Status mine), "look at");
        if (mine.Size != size || Name.Kind == SegmentKind.Descriptor)
        {
            return mine.Size == size;
        }

        return Interop.Stat(Name.Path, _isFollowed ? 1 : 0, out Interop.Status named) == 0 && named.Inode == mine.Inode && named.Device == mine.Device;
    }

    public SafeMappingHandle Map(long length, SegmentAccess access, long offset = 0)
    {
        Interop.MapFlags flags = access switch
        {
            SegmentAccess.ReadOnly => Interop.MapFlags.MAP_READ,
            SegmentAccess.CopyOnWrite => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE | Interop.MapFlags.MAP_PRIVATE,
            _ => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE,
        };

        SafeMappingHandle mapping = SafeMappingHandle.Map(_fd, length, flags, offset);
        return mapping.IsInvalid ? throw SegmentError.Last(Name, "map") : mapping;
    }

    /// <summary>Gives an unnamed file a name. Returns false where the system has no way to.</summary>
    /// <exception cref="IOException">The name is taken.</exception>
    public bool TryLink(string path)
    {
        if (Interop.LinkEmptyPath(_fd, path) == 0)
        {
            return true;
        }

        // ENOENT: a kernel before 6.10, which wants a privilege for that; or, the second time, there is no /proc here.
        if (Interop.LastError == Interop.Error.ENOENT && Interop.LinkThroughProc(_fd, path) == 0)
        {
            return true;
        }

        return Interop.LastError == Interop.Error.ENOENT ? false : throw SegmentError.Last(Name, SegmentError.Create);
    }

    /// <summary>Moves a file from a name of its own to its real one, if that is free.</summary>
    /// <exception cref="IOException">The name is taken.</exception>
    public void RenameNew(string path)
    {
        if (Interop.RenameNew(path, Name.Path) == 0)
        {
            return;
        }

        // Some file systems cannot rename without replacing; a link never replaces.
        bool linked = Interop.LastError is Interop.Error.EINVAL or Interop.Error.ENOSYS && Interop.Link(path, Name.Path) == 0;
        if (!linked)
        {
            throw SegmentError.Last(Name, SegmentError.Create);
        }

        _ = Interop.Unlink(path);
    }

    /// <summary>
    /// Moves a file from a name of its own to its real one, in place of what has that. Others see the old or the new one, never neither.
    /// </summary>
    /// <param name="path">The name of its own. Afterwards, it does not exist.</param>
    /// <param name="openReplaced">Opens a file that is replaced, by its path, and returns what is to be done once it is.</param>
    public void RenameOver(string path, Func<string, Action?> openReplaced)
    {
        // By exchange: then the file behind the other name is the one that was replaced, whoever else replaces at the same time.
        if (Interop.Exchange(path, Name.Path) == 0)
        {
            openReplaced(path)?.Invoke();
            _ = Interop.Unlink(path);
            return;
        }

        bool canOnlyRename = Interop.LastError is Interop.Error.EINVAL or Interop.Error.ENOSYS;
        Check(canOnlyRename ? 0 : -1, "replace");
        Action? replaced = openReplaced(Name.Path);
        Check(Interop.Rename(path, Name.Path), "replace");
        replaced?.Invoke();
    }

    /// <summary>Waits until the file, with all that is needed to find it by its name after a crash of the machine, is on disk.</summary>
    public void Sync()
    {
        Check(Interop.FSync(_fd), SegmentError.Flush);
        if (Name.Kind == SegmentKind.Descriptor)
        {
            return;
        }

        // A new name is an entry of its folder, which is a file of its own; fsync(2).
        string path = (_isFollowed ? File.ResolveLinkTarget(Name.Path, returnFinalTarget: true)?.FullName : null) ?? Name.Path;
        using SafeFileHandle folder = Opened(
            Interop.Open(Path.GetDirectoryName(path)!, Interop.OpenFlags.O_RDONLY | Interop.OpenFlags.O_FOLLOW), Name, SegmentError.Flush);
        Check(Interop.FSync(folder), SegmentError.Flush);
    }

    /// <summary>Keeps the file open until <see cref="Dispose"/>, even if the garbage collector finds it unused.</summary>
    public void KeepOpenUntilDisposed() => GC.SuppressFinalize(_fd);

    /// <summary>Closes the file, which is no longer in use then.</summary>
    public void Dispose()
    {
        // Not left to the closing: a process that another thread is just starting has a copy of the descriptor, until its program begins.
        if (_isMarked && !_fd.IsClosed)
        {
            _ = Interop.UnlockAll(_fd);
        }

        _fd.Dispose();
    }

    private static SegmentFile OpenOnce(SegmentName name, SegmentAccess access, SegmentTrust trust, out Interop.Status status)
    {
        Interop.OpenFlags flags = access == SegmentAccess.ReadWrite ? Interop.OpenFlags.O_RDWR : Interop.OpenFlags.O_RDONLY;
        flags |= name.Kind == SegmentKind.Descriptor || trust.FollowLinks ? Interop.OpenFlags.O_FOLLOW : 0;
        SegmentFile file = new(name, Opened(Interop.Open(name.Path, flags), name, "attach"), trust.FollowLinks);

        try
        {
            file.MarkInUse();
            file.Check(Interop.FStat(file._fd, out status), "attach");
            CheckIdentity(name, status, trust.AllowOtherOwners);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

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
}
