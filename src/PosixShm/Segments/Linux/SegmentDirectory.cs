using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>The names of segments.</summary>
internal static class SegmentDirectory
{
    /// <summary>Checks whether a name exists, also as that of another kind of file.</summary>
    public static bool Has(SegmentName name) => Interop.Stat(name.Path, follow: 0, out _) == 0;

    /// <summary>Gets the names of all files in a segment's directory.</summary>
    public static IEnumerable<string> Names(SegmentName name)
    {
        try
        {
            return Directory.EnumerateFiles(name.Directory).Select(static path => Path.GetFileName(path));
        }
        catch (DirectoryNotFoundException)
        {
            throw SegmentError.From(SegmentError.NotThere, name, SegmentError.List);
        }
    }

    /// <summary>Removes a name. Processes that have the segment open or mapped keep it.</summary>
    public static void Remove(SegmentName name)
        => SegmentError.Check(name.IsObject ? Interop.ShmUnlink(name.Value) : Interop.Unlink(name.Path), name, "delete");

    /// <summary>Removes the name of a segment that no other open file or mapping uses. False if it is in use or not the name's.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="expected">The file that must have the name.</param>
    /// <param name="mapped">The files that processes have mapped, for systems where the kernel grants no lease.</param>
    /// <param name="patience">The limit of the wait for other processes that check the same, or have the file open for a moment.</param>
    /// <exception cref="UnauthorizedAccessException">This user may not open the file, or not remove the name.</exception>
    public static bool TryRemoveUnused(SegmentName name, in Interop.Status expected, Lazy<MappedFiles> mapped, Patience patience)
    {
        while (true)
        {
            // The file is closed during the wait: to other processes that check, an open file is a user.
            bool? isRemoved = TryRemoveOnce(name, expected, mapped);
            if (isRemoved is not null || !patience.TryWait())
            {
                return isRemoved ?? false;
            }
        }
    }

    // Null if another process has the file open, maybe for a moment only.
    private static bool? TryRemoveOnce(SegmentName name, in Interop.Status expected, Lazy<MappedFiles> mapped)
    {
        using Descriptor writable = SegmentFile.OpenName(name, Interop.OpenFlags.O_RDWR);
        bool isWritable = !writable.IsInvalid;
        using Descriptor readable = isWritable || Interop.LastError == Interop.Error.EAGAIN
            ? Descriptor.Invalid
            : SegmentFile.OpenName(name, Interop.OpenFlags.O_RDONLY);
        Descriptor file = isWritable ? writable : readable;
        if (file.IsInvalid)
        {
            return Interop.LastError switch
            {
                Interop.Error.EAGAIN => null,
                Interop.Error.ENOENT or Interop.Error.ELOOP or Interop.Error.ENXIO or Interop.Error.ENODEV or Interop.Error.EISDIR => false,
                _ => throw SegmentError.Last(name, "delete"),
            };
        }

        try
        {
            bool? isFree = IsFree(file, name, isWritable);
            return isFree == true ? TryRemoveLeased(file, name, expected, isWritable, mapped) : isFree;
        }
        finally
        {
            // The closing would unlock later, as in SegmentFile.Dispose: processes that attach wait for it.
            _ = Interop.UnlockAll(file);
        }
    }

    // Locks the "in use" byte exclusively. Null if another process checks the same. Invariant: while it is locked, no process of this
    // library attaches the file, because each one needs a shared lock on the byte. Without write permission there is no exclusive lock, and
    // a query excludes no process; docs/FORMAT.md, "Deleting an unused array", 2.
    private static bool? IsFree(Descriptor file, SegmentName name, bool isWritable)
    {
        if (isWritable && Interop.LockByte(file, SegmentFile.InUseByte, Interop.ByteLock.LOCK_EXCLUSIVE) == 0)
        {
            return true;
        }

        int found = !isWritable || Interop.LastError == Interop.Error.EAGAIN
            ? Interop.FindByteLock(file, SegmentFile.InUseByte, Interop.ByteLock.LOCK_EXCLUSIVE)
            : -1;
        return found switch
        {
            < 0 => throw SegmentError.Last(name, SegmentError.Lock),
            (int)Interop.ByteLock.LOCK_SHARED => false,
            0 when !isWritable => true,
            _ => null,
        };
    }

    // Null if the file is in use, maybe for a moment only. Invariant: the removed name is that of the file that was checked, and no process
    // has it open or mapped. The kernel grants the lease only to the sole user, and delays every open until the lease ends. A removal after
    // the end of the lease breaks it; docs/FORMAT.md, "Deleting an unused array", 3 to 5.
    private static bool? TryRemoveLeased(
        Descriptor file, SegmentName name, in Interop.Status expected, bool isWritable, Lazy<MappedFiles> mapped)
    {
        bool isLeased = Interop.TakeLease(file) == 0;
        if (!isLeased && (Interop.LastError == Interop.Error.EAGAIN || !isWritable))
        {
            // Without a lease and without the lock on the "in use" byte, a process could attach between the check and the removal.
            return Interop.LastError == Interop.Error.EAGAIN ? null : false;
        }

        try
        {
            if (!IsSame(file, name, expected) || (!isLeased && mapped.Value.Contains(expected.Device, expected.Inode)))
            {
                return false;
            }

            Remove(name);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        finally
        {
            if (isLeased)
            {
                _ = Interop.EndLease(file);
            }
        }
    }

    private static bool IsSame(Descriptor file, SegmentName name, Interop.Status expected)
    {
        return Interop.FStat(file, out Interop.Status found) == 0
            && Interop.Stat(name.Path, follow: 0, out Interop.Status named) == 0
            && found.Links == expected.Links
            && Is(found)
            && Is(named);

        bool Is(in Interop.Status status) => status.Inode == expected.Inode && status.Device == expected.Device;
    }
}
