using System.Diagnostics.CodeAnalysis;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <content>New files: their permissions and their names.</content>
internal sealed partial class SegmentFile
{
    // The byte that is locked by a process that replaces the segment. Part of the protocol: docs/FORMAT.md, "Replacing an array".
    private const long ReplaceByte = InUseByte - 1;

    /// <summary>Makes a new file without a name. Null where the system refuses that.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The file owns the descriptor. An invalid one has nothing to close.")]
    public static SegmentFile? TryCreateUnnamed(SegmentName name, Refusals refusals)
    {
        Descriptor fd = Interop.OpenUnnamed(name.Directory);
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

    /// <summary>Sets the permission bits exactly: the umask does not apply.</summary>
    public void SetPermissions(UnixFileMode mode) => SegmentError.Check(Interop.FChMod(_fd, (uint)mode), Name, SegmentError.Create);

    /// <summary>Makes the size of an anonymous file final: no process can truncate it while it is mapped.</summary>
    public void SealSize() => SegmentError.Check(Interop.SealSize(_fd), Name, SegmentError.Create);

    /// <summary>Gives an unnamed file a name. False where the system refuses that.</summary>
    /// <exception cref="IOException">The name exists.</exception>
    public bool TryLink(string path, Refusals refusals)
    {
        // ENOENT comes from kernels before 6.10 without a privilege, and the second time from a system without /proc.
        bool isLinked = Interop.LinkEmptyPath(_fd, path) == 0
            || (Interop.LastError == Interop.Error.ENOENT && Interop.LinkThroughProc(_fd, path) == 0);
        return isLinked || (Interop.LastError != Interop.Error.ENOENT && refusals.NoteOrThrow(Name));
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
}
