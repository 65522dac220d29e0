using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>The names of segments.</summary>
internal static class SegmentDirectory
{
    /// <summary>Tells whether a name is taken, by whatever.</summary>
    public static bool Has(SegmentName name) => Interop.Stat(name.Path, follow: 0, out _) == 0;

    /// <summary>Gets the names of the files in a segment's folder, which may be those of no segment.</summary>
    public static IEnumerable<string> Names(SegmentName name)
    {
        try
        {
            return Directory.EnumerateFiles(name.Folder).Select(static path => Path.GetFileName(path));
        }
        catch (DirectoryNotFoundException)
        {
            throw SegmentError.From(SegmentError.NotThere, name, SegmentError.List);
        }
    }

    /// <summary>Removes a name. Whoever has the segment open or mapped keeps it.</summary>
    public static void Remove(SegmentName name)
    {
        if (Unlink(name) < 0)
        {
            throw SegmentError.Last(name, "delete");
        }
    }

    /// <summary>Removes a name; see <c>shm_unlink(3)</c> and <c>unlink(2)</c>. Returns 0, or -1.</summary>
    public static int Unlink(SegmentName name) => name.IsObject ? Interop.ShmUnlink(name.Value) : Interop.Unlink(name.Path);

    /// <summary>Removes a path; see <c>unlink(2)</c>. Returns 0, or -1.</summary>
    public static int Unlink(string path) => Interop.Unlink(path);

    /// <summary>Removes the name of a segment that no other open file or mapping uses; false if it is in use, or the name is another file's or nobody's.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="expected">The file that must have the name.</param>
    /// <param name="mapped">The files that processes have mapped, for systems where the kernel does not answer.</param>
    /// <param name="patience">How long to wait for other processes that check the same, or have the file open for a moment.</param>
    /// <exception cref="UnauthorizedAccessException">This user may not open it, or not remove it.</exception>
    public static bool TryRemoveUnused(SegmentName name, in Interop.Status expected, Lazy<MappedFiles> mapped, Patience patience)
    {
        while (true)
        {
            // Not kept open while it waits: an open file is a user to everybody else who checks.
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
            // Not left to the closing, as in SegmentFile.Dispose: processes that attach wait for it.
            _ = Interop.UnlockAll(file);
        }
    }

    // Takes the "in use" byte exclusively, which keeps out processes that attach. Null if another process checks the same.
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

    // The kernel grants the lease only while nobody else has the file open or mapped, and holds up whoever opens it meanwhile.
    private static bool? TryRemoveLeased(Descriptor file, SegmentName name, in Interop.Status expected, bool isWritable, Lazy<MappedFiles> mapped)
    {
        bool isLeased = Interop.TakeLease(file) == 0;
        if (!isLeased && (Interop.LastError == Interop.Error.EAGAIN || !isWritable))
        {
            // Without a lease and without the "in use" byte, nothing keeps out a process that attaches between the check and the removal.
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
