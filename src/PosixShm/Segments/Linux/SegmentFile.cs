using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>
/// A segment's open file. Whoever holds one marks the segment as in use: a shared lock on a byte far past the end, which the
/// kernel drops with the descriptor, however its process ends.
/// </summary>
internal sealed class SegmentFile : IByteSource, IDisposable
{
    /// <summary>The byte that is locked while a segment is in use. Part of the format: others test it too.</summary>
    public const long InUseByte = 1L << 62;

    // The byte that is locked by a process that replaces the segment.
    private const long ReplaceByte = InUseByte - 1;

    // The id that stands for every user who has none in this user namespace; see user_namespaces(7). We may be another one of them.
    private const uint UnmappedUser = 65534;

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

    /// <summary>Opens an existing segment and checks that it is what it should be.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="access">What it will be mapped for.</param>
    /// <param name="attachPolicy">Which files are welcome.</param>
    /// <param name="probe">What the kernel says of it, and its first bytes.</param>
    public static SegmentFile Open(SegmentName name, SegmentAccess access, AttachPolicy attachPolicy, out Interop.Probe probe)
    {
        // One that was deleted or replaced since it was opened is no longer what the name stands for.
        const int MaxTries = 1000;

        SegmentFile file = OpenOnce(name, access, attachPolicy, out probe);
        for (int i = 0; probe.Status.Links == 0 && name.Kind != SegmentKind.Descriptor && i < MaxTries; i++)
        {
            file.Dispose();
            file = OpenOnce(name, access, attachPolicy, out probe);
        }

        return file;
    }

    /// <summary>Makes a new file without a name, or returns null where that is refused.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The file owns the descriptor. An invalid one has nothing to close.")]
    public static SegmentFile? TryCreateUnnamed(SegmentName name, Refusals refusals)
    {
        Descriptor fd = Interop.OpenUnnamed(name.Folder);
        return fd.IsInvalid && refusals.Note() ? null : new SegmentFile(name, Opened(fd, name, SegmentError.Create));
    }

    /// <summary>Makes a new file that never has a name, and is named by its descriptor.</summary>
    public static SegmentFile CreateAnonymous(string label)
    {
        LinuxOnly.Check();
        Descriptor fd = Opened(Interop.CreateAnonymous(label), SegmentName.Anonymous, SegmentError.Create);
        return new SegmentFile(SegmentName.OfDescriptor(Environment.ProcessId, fd.Number), fd);
    }

    /// <summary>Makes a new file under its name, or a path of its own, if that is free, or returns null where that is refused.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The file owns the descriptor. An invalid one has nothing to close.")]
    public static SegmentFile? TryCreateNamed(SegmentName name, Refusals refusals, string? path = null)
    {
        const Interop.OpenFlags New = Interop.OpenFlags.O_RDWR | Interop.OpenFlags.O_CREAT;
        Descriptor fd = path is null ? OpenName(name, New) : Interop.Open(path, New);
        return fd.IsInvalid && refusals.Note() ? null : new SegmentFile(name, Opened(fd, name, SegmentError.Create));
    }

    /// <summary>Makes a new file with a path of its own in the name's folder. Its permissions are those of any new file, not those of arrays.</summary>
    /// <exception cref="IOException">The name is that of a device, a pipe or a socket: those are written to, and not replaced.</exception>
    public static SegmentFile CreateBeside(SegmentName name, out string path)
    {
        if (Interop.Stat(name.Path, follow: 1, out Interop.Status old) == 0 && old.Type != Interop.FileType.TYPE_REGULAR)
        {
            throw new IOException($"'{name.Path}' is not a regular file, and is not replaced by one. Open a pipe or a device, and write to its stream.");
        }

        path = name.MakeOwnPath();
        using SafeFileHandle created = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        Descriptor fd = new(created.DangerousGetHandle());
        created.SetHandleAsInvalid();
        return new SegmentFile(name, fd);
    }

    /// <summary>Moves a whole file from a path of its own to its name.</summary>
    public void MoveToName(string path, bool flushToDisk)
    {
        if (flushToDisk)
        {
            Sync();
        }

        Check(Interop.Rename(path, Name.Path), "save");
        if (flushToDisk)
        {
            Sync();
        }
    }

    /// <summary>Opens what a name stands for. The C library knows shared memory objects in one directory, and follows no link to them.</summary>
    public static Descriptor OpenName(SegmentName name, Interop.OpenFlags flags)
        => name.IsObject && (flags & Interop.OpenFlags.O_FOLLOW) == 0 ? Interop.ShmOpen(name.Value, flags) : Interop.Open(name.Path, flags);

    /// <summary>Says that somebody has the segment attached, for as long as the file is open.</summary>
    /// <exception cref="IOException">Another process keeps the byte for itself: an attachment that is not marked could be deleted as a leftover.</exception>
    public void MarkInUse()
    {
        if (!IsMarked(Name))
        {
            return;
        }

        // A process that deletes an unused segment has the byte exclusively, for a moment; docs/FORMAT.md, "Deleting an unused array".
        _fd.IsLocked = true;
        for (Patience patience = Patience.ForOne; Interop.LockByte(_fd, InUseByte, Interop.ByteLock.LOCK_SHARED) < 0;)
        {
            if (Interop.LastError != Interop.Error.EAGAIN || !patience.TryWait())
            {
                throw SegmentError.Last(Name, SegmentError.Attach);
            }
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

    /// <inheritdoc cref="SegmentSpace.ReserveLarge"/>
    public void ReserveLarge(Mapping mapping, long length, bool populate) => SegmentSpace.ReserveLarge(_fd, Name, mapping, length, populate);

    /// <inheritdoc cref="SegmentSpace.Grow"/>
    public void Grow(long offset, int length, nint mapping) => SegmentSpace.Grow(_fd, Name, offset, length, mapping);

    /// <summary>
    /// Tells whether the file is in the directory of shared memory, where all arrays are this library's to use. A descriptor has no name, and a link has another
    /// file's: there, the kernel's path of the open file decides.
    /// </summary>
    public bool IsInArrayDirectory()
    {
        if (Name.Kind != SegmentKind.Descriptor && !_isFollowed)
        {
            return Name.Folder == ArrayDirectory.Path;
        }

        string? path = File.ResolveLinkTarget($"/proc/self/fd/{_fd.Number}", returnFinalTarget: false)?.FullName;
        return Interop.Stat(Path.GetDirectoryName(path) ?? "/", follow: 1, out Interop.Status folder) == 0
            && Interop.Stat(ArrayDirectory.Path, follow: 1, out Interop.Status arrays) == 0
            && (folder.Inode, folder.Device) == (arrays.Inode, arrays.Device);
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
            || (Interop.LastError == Interop.Error.EAGAIN ? false : throw SegmentError.Last(Name, SegmentError.Lock));

    /// <summary>Tells whether another open file has a byte for itself. Shared locks, for which read permission is enough, do not count.</summary>
    public bool IsByteLocked(long offset)
        => Interop.FindByteLock(_fd, offset, Interop.ByteLock.LOCK_SHARED) switch
        {
            < 0 => throw SegmentError.Last(Name, SegmentError.Lock),
            int locked => locked != 0,
        };

    /// <summary>Makes the size of an anonymous file final: nobody can truncate it under those who have it mapped.</summary>
    public void SealSize() => Check(Interop.SealSize(_fd), SegmentError.Create);

    /// <summary>
    /// Opens the file a second time, for programs that this process starts. Not the same descriptor: they would share the locks on it, and so keep
    /// "in use" and held locks alive when this process is dead.
    /// </summary>
    public Descriptor OpenForChildren()
    {
        Descriptor second = Opened(Interop.Open($"/proc/self/fd/{_fd.Number}", Interop.OpenFlags.O_RDWR | Interop.OpenFlags.O_FOLLOW), Name, "hand on");
        if (Interop.SetInheritable(second, 1) < 0)
        {
            Exception error = SegmentError.Last(Name, "hand on");
            second.Dispose();
            throw error;
        }

        return second;
    }

    /// <summary>Gets what the kernel knows of the file.</summary>
    public Interop.Status GetStatus()
    {
        Check(Interop.FStat(_fd, out Interop.Status status), SegmentError.Read);
        return status;
    }

    /// <summary>
    /// Gets the file as <c>/proc/PID/fdinfo</c> shows it with its locks: device and inode, <c>00:1a:4711</c>. It is read from our own mark, as
    /// <c>stat(2)</c> names another device on some file systems.
    /// </summary>
    public string? FindLockedFile()
        => File.ReadLines($"/proc/self/fdinfo/{_fd.Number}")
            .Select(static line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(static fields => fields.Length > 6 && fields[2] == "OFDLCK")?[6];

    /// <summary>Returns whether the name still stands for this file, and the file has at least a size.</summary>
    public bool IsCurrent(long size = 0) => GetStatus().Size >= size && GetNamedFile() == NamedFile.Same;

    /// <summary>Tells what file has the name. That of a descriptor cannot be another's.</summary>
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
            SegmentAccess.CopyOnWrite => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE | Interop.MapFlags.MAP_PRIVATE,
            _ => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE,
        };

        return Mapping.TryMap(_fd, length, flags, offset) ?? throw SegmentError.Last(Name, "map");
    }

    /// <summary>Hands the file over to a semaphore that the C library mapped from it, which guards its page with it.</summary>
    public void ReleaseTo(SafeSemaphoreHandle semaphore)
    {
        semaphore.Guard(_fd);
        _isReleased = true;
    }

    /// <summary>Gives an unnamed file a name. Returns false where the system refuses that.</summary>
    /// <exception cref="IOException">The name exists.</exception>
    public bool TryLink(string path, Refusals refusals)
    {
        if (Interop.LinkEmptyPath(_fd, path) == 0)
        {
            return true;
        }

        // ENOENT: a kernel before 6.10, where that takes a privilege; the second time, there is no /proc.
        return (Interop.LastError == Interop.Error.ENOENT && Interop.LinkThroughProc(_fd, path) == 0)
            || (Interop.LastError == Interop.Error.ENOENT || refusals.Note() ? false : throw SegmentError.Last(Name, SegmentError.Create));
    }

    /// <summary>Moves a file from a path of its own to its name, if that is free. Returns false where the system refuses that.</summary>
    /// <exception cref="IOException">The name exists.</exception>
    public bool TryRenameNew(string path, Refusals refusals)
    {
        // Some file systems cannot rename without replacing; a link never replaces.
        return Interop.RenameNew(path, Name.Path) == 0
            || (refusals.Note() && Interop.Link(path, Name.Path) == 0 && Interop.Unlink(path) <= 0)
            || (refusals.Note() ? false : throw SegmentError.Last(Name, SegmentError.Create));
    }

    /// <summary>Moves a file from a path of its own to its name, in place of the old file. Others see the old or the new one, never neither.</summary>
    /// <remarks>
    /// The file that has the name must not change between the decision to remove the name and its removal: a pruner, or another replacer, would
    /// remove a third file. A replacer marks the old file as in use, which keeps pruners away. It takes a byte of the file, which keeps other
    /// replacers away. Then it checks that the file still has the name. A file that may not be written gives us no such byte. See docs/FORMAT.md,
    /// "Deleting an unused array".
    /// </remarks>
    /// <param name="path">The path of its own.</param>
    /// <param name="replaced">Called with the file that was replaced.</param>
    public void RenameOver(string path, Action<SegmentFile> replaced)
    {
        for (Patience patience = Patience.ForOne; ;)
        {
            using SegmentFile current = OpenToReplace(Name);
            bool isMine = Interop.LockByte(current._fd, ReplaceByte, Interop.ByteLock.LOCK_EXCLUSIVE) == 0
                || Interop.LastError != Interop.Error.EAGAIN;
            if (isMine && current.IsCurrent())
            {
                Check(Interop.Rename(path, Name.Path), "replace");
                replaced(current);
                return;
            }

            if (!isMine && !patience.TryWait())
            {
                throw new IOException($"Cannot replace '{Name}': another process has been replacing it for seconds.");
            }
        }
    }

    /// <summary>Gives a new file the owner, the group, the mode and the access control list of the one that it replaces.</summary>
    /// <exception cref="UnauthorizedAccessException">This user cannot.</exception>
    public void TakePermissionsOf(SegmentFile old)
    {
        Interop.Status was = old.GetStatus();
        Interop.Status now = GetStatus();
        bool isOwned = (was.Owner == now.Owner && was.Group == now.Group) || Interop.FChOwn(_fd, was.Owner, was.Group) == 0;

        // The list last: where there is one, the group's bits of the mode are its mask.
        if (!isOwned || Interop.FChMod(_fd, was.Permissions & 0x1FF) < 0 || Interop.CopyAccessList(old._fd, _fd) < 0)
        {
            throw SegmentError.OtherPermissions(System.Runtime.InteropServices.Marshal.GetLastPInvokeError(), Name, was.Owner, was.Group);
        }
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
        using Descriptor folder = Opened(
            Interop.Open(Path.GetDirectoryName(path)!, Interop.OpenFlags.O_RDONLY | Interop.OpenFlags.O_FOLLOW), Name, SegmentError.Flush);
        Check(Interop.FSync(folder), SegmentError.Flush);
    }

    /// <summary>Closes the file, which is no longer in use then.</summary>
    public void Dispose()
    {
        if (!_isReleased)
        {
            _fd.Dispose();
        }
    }

    private static unsafe SegmentFile OpenOnce(SegmentName name, SegmentAccess access, AttachPolicy attachPolicy, out Interop.Probe probe)
    {
        Interop.OpenFlags flags = access == SegmentAccess.ReadWrite ? Interop.OpenFlags.O_RDWR : Interop.OpenFlags.O_RDONLY;
        flags |= name.Kind == SegmentKind.Descriptor || attachPolicy.FollowLinks ? Interop.OpenFlags.O_FOLLOW : 0;
        bool isMarked = IsMarked(name);
        Unsafe.SkipInit(out probe);
        probe.File = -1;
        fixed (Interop.Probe* found = &probe)
        {
            // A lease of a process that prunes refuses an open that does not wait, and its lock refuses the mark.
            for (Patience patience = Patience.ForOne;
                SegmentProbe.Read(name, flags, isMarked ? InUseByte : SegmentProbe.NoByte, Interop.ByteLock.LOCK_SHARED, found) < 0;)
            {
                if (Interop.LastError != Interop.Error.EAGAIN || !patience.TryWait())
                {
                    throw SegmentError.Last(name, SegmentError.Attach);
                }
            }
        }

        SegmentFile file = new(name, new Descriptor((nint)probe.File, isMarked), attachPolicy.FollowLinks);
        try
        {
            file.CheckIdentity(probe.Status, attachPolicy.AllowOtherOwners);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // The kernel knows no "in use" of a semaphore that programs in C could see.
    private static bool IsMarked(SegmentName name) => name.Kind != SegmentKind.Semaphore;

    private static Descriptor Opened(Descriptor fd, SegmentName name, string action)
    {
        if (fd.IsInvalid)
        {
            Exception error = SegmentError.Last(name, action);
            fd.Dispose();
            throw Interop.ConvertErrno(error.HResult) == Interop.Error.ENOSPC ? SegmentError.NoSpace(error.HResult, name, 0) : error;
        }

        return fd;
    }

    private static SegmentFile OpenToReplace(SegmentName name)
    {
        try
        {
            return OpenOnce(name, SegmentAccess.ReadWrite, AttachPolicy.Anybody, out _);
        }
        catch (UnauthorizedAccessException)
        {
            return OpenOnce(name, SegmentAccess.ReadOnly, AttachPolicy.Anybody, out _);
        }
    }

    private void CheckIdentity(in Interop.Status status, bool allowOtherOwners)
    {
        if (status.Type != Interop.FileType.TYPE_REGULAR)
        {
            throw new InvalidDataException($"'{Name}' is not {Name.ANoun}, nor any regular file.");
        }

        // Anybody may plant files in the shared folder: a second link there is somebody's trick. A semaphore has two
        // while sem_open(3) makes it.
        bool isShared = Name.Kind == SegmentKind.SharedMemory || (Name.Kind == SegmentKind.File && Name.Folder == ArrayDirectory.Default);
        if (status.Links > 1 && isShared)
        {
            throw new InvalidDataException($"'{Name}' has {status.Links} hard links; a segment has one name.");
        }

        bool isTrusted = allowOtherOwners
            || status.Owner == 0
            || (status.Owner == Interop.GetEffectiveUser() && (status.Owner != UnmappedUser || Interop.IsOwner(_fd) == 1));
        if (!isTrusted)
        {
            throw SegmentError.OtherOwner(Name, status.Owner);
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

/// <summary>What file has a segment's name.</summary>
internal enum NamedFile
{
    /// <summary>The segment's own.</summary>
    Same,

    /// <summary>Another one.</summary>
    Another,

    /// <summary>None that can be found.</summary>
    None,
}
