using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A segment's open file. It marks the segment as in use by a shared lock on a byte far past the end. The kernel releases the lock
/// with the descriptor, however the process ends.</summary>
internal sealed class SegmentFile : IByteSource, IDisposable
{
    /// <summary>The byte that is locked while a segment is in use. Part of the protocol: docs/FORMAT.md, "The in use byte".</summary>
    public const long InUseByte = 1L << 62;

    // The byte that is locked by a process that replaces the segment. Part of the protocol: docs/FORMAT.md, "Replacing an array".
    private const long ReplaceByte = InUseByte - 1;

    // The id of every user that has no other one in this user namespace; see user_namespaces(7). Two files with it may have different
    // owners.
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

    /// <summary>Opens an existing segment, and checks its type, its links and its owner.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="access">The access of its later mapping.</param>
    /// <param name="attachPolicy">The files that are accepted.</param>
    /// <param name="probe">Its status, and its first bytes.</param>
    public static SegmentFile Open(SegmentName name, SegmentAccess access, AttachPolicy attachPolicy, out Interop.Probe probe)
    {
        // A file without links was deleted or replaced after the open, and the name stands for another file.
        const int MaxTries = 1000;

        SegmentFile file = OpenOnce(name, access, attachPolicy, out probe);
        for (int i = 0; probe.Status.Links == 0 && name.Kind != SegmentKind.Descriptor && i < MaxTries; i++)
        {
            file.Dispose();
            file = OpenOnce(name, access, attachPolicy, out probe);
        }

        return file;
    }

    /// <summary>Makes a new file without a name. Null where the system refuses that.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The file owns the descriptor. An invalid one has nothing to close.")]
    public static SegmentFile? TryCreateUnnamed(SegmentName name, Refusals refusals)
    {
        Descriptor fd = Interop.OpenUnnamed(name.Folder);
        return fd.IsInvalid && refusals.Note() ? null : new SegmentFile(name, Opened(fd, name, SegmentError.Create));
    }

    /// <summary>Makes a new file that never has a name. It is attached by its descriptor.</summary>
    public static SegmentFile CreateAnonymous(string label)
    {
        LinuxOnly.Check();
        Descriptor fd = Opened(Interop.CreateAnonymous(label), SegmentName.Anonymous, SegmentError.Create);
        return new SegmentFile(SegmentName.OfDescriptor(Environment.ProcessId, fd.Number), fd);
    }

    /// <summary>Makes a new file under its name or another path, if that is free. Null where the system refuses that.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The file owns the descriptor. An invalid one has nothing to close.")]
    public static SegmentFile? TryCreateNamed(SegmentName name, Refusals refusals, string? path = null)
    {
        const Interop.OpenFlags New = Interop.OpenFlags.O_RDWR | Interop.OpenFlags.O_CREAT;
        Descriptor fd = path is null ? OpenName(name, New) : Interop.Open(path, New);
        return fd.IsInvalid && refusals.Note() ? null : new SegmentFile(name, Opened(fd, name, SegmentError.Create));
    }

    /// <summary>Opens a file by its name. The C library opens objects of shared memory in one directory, and follows no link.</summary>
    public static Descriptor OpenName(SegmentName name, Interop.OpenFlags flags)
        => name.IsObject && (flags & Interop.OpenFlags.O_FOLLOW) == 0 ? Interop.ShmOpen(name.Value, flags) : Interop.Open(name.Path, flags);

    /// <summary>Marks the segment as attached, for as long as the file is open.</summary>
    /// <exception cref="IOException">Another process has locked the byte. A segment without the mark could be deleted.</exception>
    public void MarkInUse()
    {
        if (!IsMarked(Name))
        {
            return;
        }

        // Invariant: no segment is deleted as unused while it is attached. Every attachment keeps it by this lock. A process that deletes
        // has the byte exclusively for a moment; docs/FORMAT.md, "Deleting an unused array". An attachment without the lock breaks it.
        _fd.IsLocked = true;
        for (Patience patience = Patience.ForOne; Interop.LockByte(_fd, InUseByte, Interop.ByteLock.LOCK_SHARED) < 0;)
        {
            if (Interop.LastError != Interop.Error.EAGAIN || !patience.TryWait())
            {
                throw SegmentError.Last(Name, SegmentError.Attach);
            }
        }
    }

    /// <summary>Sets the size of a new file. With <paramref name="reserve"/>, reserves the space too, so that no store fails.</summary>
    public void SetLength(long length, bool reserve)
    {
        // Reserving sets the size, too.
        if (!reserve || !SegmentSpace.TryReserve(_fd, Name, length))
        {
            SegmentError.Check(Interop.FTruncate(_fd, length), Name, SegmentError.Create, length);
        }
    }

    /// <inheritdoc cref="SegmentSpace.ReserveLarge"/>
    public void ReserveLarge(Mapping mapping, long length, bool populate)
        => SegmentSpace.ReserveLarge(_fd, Name, mapping, length, populate);

    /// <inheritdoc cref="SegmentSpace.Grow"/>
    public void Grow(long offset, int length, nint mapping) => SegmentSpace.Grow(_fd, Name, offset, length, mapping);

    /// <summary>Returns whether the file is in the directory of shared memory, whose files this library may extend. A descriptor has no
    /// name, and a link has another file's: there, the kernel's path of the open file decides.</summary>
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

    /// <summary>Sets the permission bits exactly: the umask does not apply.</summary>
    public void SetPermissions(UnixFileMode mode) => SegmentError.Check(Interop.FChMod(_fd, (uint)mode), Name, SegmentError.Create);

    /// <summary>Reads bytes into private memory. Returns the number of bytes before the end of the file.</summary>
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
                throw SegmentError.Last(Name, SegmentError.Create, offset + bytes.Length);
            }

            bytes = bytes[(int)count..];
            offset += count;
        }
    }

    /// <summary>Locks a byte for this open file alone, until it is closed. False if another open file has locked it.</summary>
    public bool TryLockByte(long offset)
    {
        int result = Interop.LockByte(_fd, offset, Interop.ByteLock.LOCK_EXCLUSIVE);
        bool isRefused = result < 0 && Interop.LastError == Interop.Error.EAGAIN;
        SegmentError.Check(isRefused ? 0 : result, Name, SegmentError.Lock);
        return !isRefused;
    }

    /// <summary>Returns whether another open file has an exclusive lock on a byte. Shared locks prove nothing.</summary>
    public bool IsByteLocked(long offset)
    {
        int found = Interop.FindByteLock(_fd, offset, Interop.ByteLock.LOCK_SHARED);
        SegmentError.Check(found, Name, SegmentError.Lock);
        return found != 0;
    }

    /// <summary>Makes the size of an anonymous file final: no process can truncate it while it is mapped.</summary>
    public void SealSize() => SegmentError.Check(Interop.SealSize(_fd), Name, SegmentError.Create);

    /// <summary>Opens the file a second time, for programs that this process starts. With the same descriptor they would share its locks,
    /// and keep "in use" and held locks alive after this process's death.</summary>
    public Descriptor OpenForChildren()
    {
        const Interop.OpenFlags Flags = Interop.OpenFlags.O_RDWR | Interop.OpenFlags.O_FOLLOW;
        Descriptor second = Opened(Interop.Open($"/proc/self/fd/{_fd.Number}", Flags), Name, "hand on");
        if (Interop.SetInheritable(second, 1) < 0)
        {
            Exception error = SegmentError.Last(Name, "hand on");
            second.Dispose();
            throw error;
        }

        return second;
    }

    /// <summary>Gets the file's status.</summary>
    public Interop.Status GetStatus()
    {
        SegmentError.Check(Interop.FStat(_fd, out Interop.Status status), Name, SegmentError.Read);
        return status;
    }

    /// <summary>Gets the file as <c>/proc/PID/fdinfo</c> shows it with its locks: device and inode, <c>00:1a:4711</c>. It is read from the
    /// lock of this descriptor, because <c>stat(2)</c> reports another device on some file systems.</summary>
    public string? FindLockedFile()
        => File.ReadLines($"/proc/self/fdinfo/{_fd.Number}")
            .Select(static line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(static fields => fields.Length > 6 && fields[2] == "OFDLCK")?[6];

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
            SegmentAccess.CopyOnWrite => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE | Interop.MapFlags.MAP_PRIVATE,
            _ => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE,
        };

        return Mapping.TryMap(_fd, length, flags, offset) ?? throw SegmentError.Last(Name, "map");
    }

    /// <summary>Transfers the file to a semaphore that the C library mapped from it, for the guard of its page.</summary>
    public void ReleaseTo(SafeSemaphoreHandle semaphore)
    {
        semaphore.Guard(_fd);
        _isReleased = true;
    }

    /// <summary>Gives an unnamed file a name. False where the system refuses that.</summary>
    /// <exception cref="IOException">The name exists.</exception>
    public bool TryLink(string path, Refusals refusals)
    {
        if (Interop.LinkEmptyPath(_fd, path) == 0)
        {
            return true;
        }

        // ENOENT comes from kernels before 6.10 without a privilege, and the second time from a system without /proc.
        if (Interop.LastError == Interop.Error.ENOENT && Interop.LinkThroughProc(_fd, path) == 0)
        {
            return true;
        }

        return Interop.LastError != Interop.Error.ENOENT && refusals.NoteOrThrow(Name);
    }

    /// <summary>Moves a file from another path to its name, if that is free. False where the system refuses that.</summary>
    /// <exception cref="IOException">The name exists.</exception>
    public bool TryRenameNew(string path, Refusals refusals)
    {
        if (Interop.RenameNew(path, Name.Path) == 0)
        {
            return true;
        }

        // Some file systems cannot rename without replacing. A link never replaces.
        _ = refusals.NoteOrThrow(Name);
        if (Interop.Link(path, Name.Path) == 0)
        {
            _ = Interop.Unlink(path);
            return true;
        }

        return refusals.NoteOrThrow(Name);
    }

    /// <summary>Moves a file from another path to its name, in place of the old file. The name always is that of one of the two.</summary>
    /// <remarks>Invariant: the rename removes the file that was checked. A pruner, or another replacer, could otherwise give the name to a
    /// third file in between. This process marks the old file as in use, which excludes pruners. It locks a byte of the file, which
    /// excludes other replacers. Then it checks that the file still has the name. A file that may not be written has no such lock.
    /// docs/FORMAT.md, "Replacing an array".</remarks>
    /// <param name="path">The other path.</param>
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
                SegmentError.Check(Interop.Rename(path, Name.Path), Name, "replace");
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

        // The list comes last: if the file has one, the group's bits of the mode are its mask.
        if (!isOwned || Interop.FChMod(_fd, was.Permissions & 0x1FF) < 0 || Interop.CopyAccessList(old._fd, _fd) < 0)
        {
            throw SegmentError.OtherPermissions(System.Runtime.InteropServices.Marshal.GetLastPInvokeError(), Name, was.Owner, was.Group);
        }
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

    /// <summary>Closes the file, which ends its use.</summary>
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
            // The lease of a process that prunes refuses an open that does not wait, and its lock refuses the mark.
            for (Patience patience = Patience.ForOne;
                SegmentProbe.Read(name, flags, isMarked ? InUseByte : Interop.NoByte, Interop.ByteLock.LOCK_SHARED, found) < 0;)
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

    // Programs in C do not mark a semaphore as in use.
    private static bool IsMarked(SegmentName name) => name.Kind != SegmentKind.Semaphore;

    private static Descriptor Opened(Descriptor fd, SegmentName name, string action)
        => fd.IsInvalid ? throw SegmentError.Last(name, action) : fd;

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

        // Every user may make files in the shared directory, so a second link there may be another user's trick. A semaphore has two while
        // sem_open(3) makes it.
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
}

/// <summary>The file that has a segment's name.</summary>
internal enum NamedFile
{
    /// <summary>The segment's own file.</summary>
    Same,

    /// <summary>Another file.</summary>
    Another,

    /// <summary>No file that can be found.</summary>
    None,
}
