using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Posix;

/// <summary>Creates, opens and removes the C library's semaphores. Their files may have been made by any program.</summary>
/// <remarks><c>sem_open(3)</c> maps the file that has the name, and checks nothing. So the file is opened and checked first, by its
/// descriptor. Then <c>sem_open</c> opens the name, and the name must still stand for the checked file. In a sticky directory, other users
/// cannot move a file of ours, or of root, in between. The memory is guarded before its first touch.</remarks>
internal static class SemaphoreFile
{
    private const int MaxTries = 1000;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Creates a semaphore, if the name is free. Its mode is exact: the umask does not apply.</summary>
    public static SafeSemaphoreHandle Create(SegmentName name, uint count, UnixFileMode mode)
    {
        for (int i = 0; i < MaxTries; i++)
        {
            // The owner's bits are needed to open the file for the exact mode.
            SafeSemaphoreHandle created = Opened(name, SegmentError.Create, create: 1, (uint)(mode | OwnerOnly), count);
            try
            {
                if (TryFinish(name, created, mode))
                {
                    return created;
                }
            }
            catch
            {
                _ = Interop.SemUnlink(PosixName(name));
                created.Dispose();
                throw;
            }

            // Another process has deleted it.
            created.Dispose();
        }

        throw new IOException($"Cannot create the semaphore '{name}': other processes deleted it {MaxTries} times.");
    }

    /// <summary>Opens a semaphore, after a check of its file.</summary>
    public static SafeSemaphoreHandle Open(SegmentName name, AttachPolicy attachPolicy)
    {
        for (Patience patience = Patience.ForMany; ;)
        {
            if (TryOpen(name, attachPolicy, out uint links) is SafeSemaphoreHandle opened)
            {
                return opened;
            }

            if (!patience.TryWait())
            {
                throw links > 1
                    ? new InvalidDataException(
                        $"The file of the semaphore '{name}' has {links} names. The leftover of a creator that was killed, 'sem.' and six "
                        + "letters, can be deleted ('pshm semaphore prune').")
                    : new IOException($"Cannot attach the semaphore '{name}': other processes have been deleting and creating it.");
            }
        }
    }

    /// <summary>Removes the name. Processes that have the semaphore open keep it.</summary>
    public static void Remove(SegmentName name)
    {
        if (Interop.SemUnlink(PosixName(name)) < 0)
        {
            throw Last(name, "delete");
        }
    }

    // The C library returns one address for all open semaphores of one file. So the address of a second open shows whether the name is
    // still the created file's.
    private static bool TryFinish(SegmentName name, SafeSemaphoreHandle created, UnixFileMode mode)
    {
        try
        {
            using SegmentFile file = SegmentFile.Open(name, SegmentAccess.ReadWrite, AttachPolicy.Anybody, out _);
            using SafeSemaphoreHandle named = Opened(name, SegmentError.Attach);
            if (!named.IsSameAs(created) || file.GetNamedFile() == NamedFile.Another)
            {
                return false;
            }

            // If the name does not exist, another process deleted it, as it may at any moment.
            file.SetPermissions(mode);
            file.ReleaseTo(created);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    // Null if the file has two names, as during its creation by sem_open(3), or if the name became another file's.
    private static SafeSemaphoreHandle? TryOpen(SegmentName name, AttachPolicy attachPolicy, out uint links)
    {
        using SegmentFile file = SegmentFile.Open(name, SegmentAccess.ReadWrite, attachPolicy, out Interop.Probe probe);
        links = probe.Status.Links;
        if (links > 1)
        {
            return null;
        }

        CheckContent(file, probe.Status);
        SafeSemaphoreHandle? opened = Opened(name, SegmentError.Attach);
        try
        {
            bool isCurrent = file.IsCurrent();
            file.ReleaseTo(opened);
            if (!isCurrent)
            {
                return null;
            }

            SafeSemaphoreHandle good = Interop.SemGetValue(opened) >= 0 ? opened : throw Changed(name);
            opened = null;
            return good;
        }
        finally
        {
            opened?.Dispose();
        }
    }

    /// <summary>Makes the exception for memory that is no longer a semaphore.</summary>
    public static InvalidDataException Changed(SegmentName name)
        => new($"The semaphore '{name}' was overwritten or truncated while it was open: it is no longer a semaphore of this C library.");

    // The C library trusts these bytes, and ends the process if they are not a semaphore's.
    private static void CheckContent(SegmentFile file, Interop.Status status)
    {
        Span<byte> content = new byte[Interop.GetSemaphoreSize()];
        if (status.Size != content.Length || file.Read(content, 0) != content.Length || Interop.IsSemaphore(content) == 0)
        {
            throw new InvalidDataException($"'{file.Name.Path}' is not a semaphore of this C library.");
        }
    }

    private static SafeSemaphoreHandle Opened(SegmentName name, string action, int create = 0, uint mode = 0, uint count = 0)
    {
        SafeSemaphoreHandle opened = Interop.SemOpen(PosixName(name), create, mode, count);
        if (opened.IsInvalid)
        {
            Exception error = Last(name, action);
            opened.Dispose();
            throw error;
        }

        return opened;
    }

    private static Exception Last(SegmentName name, string action) => Interop.LastError switch
    {
        // glibc before 2.34 searches the directory of shared memory.
        Interop.Error.ENOSYS when !Directory.Exists(name.Directory) => SegmentError.From(SegmentError.NotThere, name, action),
        Interop.Error.ENOSPC => SegmentError.NoSpace(Marshal.GetLastPInvokeError(), name, Interop.GetSemaphoreSize()),
        _ => SegmentError.Last(name, action),
    };

    private static string PosixName(SegmentName name) => $"/{name.Value}";
}
