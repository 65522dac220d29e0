using System.Globalization;
using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Makes exceptions from error numbers. Their messages name the segment and the remedy.</summary>
internal static class SegmentError
{
    // The actions in which some errors have a cause or a remedy of their own, as verbs. Attaching includes the mark "in use".
    public const string Create = "create";
    public const string Resize = "resize";
    public const string List = "list";
    public const string Attach = "attach";
    public const string Read = "read";
    public const string Lock = "lock";
    public const string Watch = "wait for";
    public const string Flush = "flush";
    public const string LockInMemory = "lock in memory";
    public const string Map = "map";
    public const string Protect = "protect";
    public const string Advise = "advise on";

    // EEXIST, ENOSPC, ENOENT and EFAULT on every Linux: an exception has the kernel's number, and not that of the shim.
    private const int AlreadyExists = 17;
    private const int NoSpaceLeft = 28;
    public const int NotThere = 2;
    public const int BadAddress = 14;

    /// <summary>Throws if this thread's last call failed: if its result is negative.</summary>
    public static void Check(int result, SegmentName name, string action, long bytes = 0)
    {
        if (result < 0)
        {
            throw Last(name, action, bytes);
        }
    }

    /// <summary>Makes the exception for the error of this thread's last call.</summary>
    public static Exception Last(SegmentName name, string action, long bytes = 0)
        => From(Marshal.GetLastPInvokeError(), name, action, bytes);

    /// <summary>Makes the exception for an errno, which is also its <see cref="Exception.HResult"/>.</summary>
    /// <param name="errno">The error.</param>
    /// <param name="name">The segment.</param>
    /// <param name="action">The action that failed, as a verb.</param>
    /// <param name="bytes">The bytes that it needs in the file system or in memory.</param>
    public static Exception From(int errno, SegmentName name, string action, long bytes = 0)
    {
        Exception exception = Interop.ConvertErrno(errno) switch
        {
            Interop.Error.ENOSPC or Interop.Error.EDQUOT when action is Create or Resize => NoSpace(errno, name, bytes),
            Interop.Error.ENOMEM or Interop.Error.EPERM when action == LockInMemory => LockLimit(errno, name, bytes),
            Interop.Error.ENOENT when action == Create => new DirectoryNotFoundException(
                $"There is no directory {name.Directory} to create the {name.Noun} '{name}' in.{OtherPlace(name)}"),
            Interop.Error.ENOENT when action == List => new DirectoryNotFoundException(
                $"There is no directory {name.Directory}.{OtherPlace(name)}"),
            Interop.Error.ENOTDIR when action == List => new IOException($"'{name}' is not a directory."),
            Interop.Error.EAGAIN when action is Attach or Read => new IOException(
                $"Cannot {action} '{name}': another process has excluded others from it for seconds "
                + "(a lease, or a write lock on its \"in use\" byte; see lslocks)."),
            Interop.Error.ENOLCK or Interop.Error.EINVAL or Interop.Error.ENOSYS or Interop.Error.EOPNOTSUPP
                when action is Attach or Lock =>
                new IOException(
                    $"Cannot {action} '{name}': this system, or the file system of {name.Directory}, has no open file description locks "
                    + $"(F_OFD_SETLK): {Marshal.GetPInvokeErrorMessage(errno)}."),
            Interop.Error.ENOENT => Missing(name),
            Interop.Error.EEXIST => Taken(name),
            Interop.Error.EACCES or Interop.Error.EPERM when action is Map or Protect => new UnauthorizedAccessException(
                $"Cannot {action} '{name}': its descriptor does not permit that access. It is open to read only, or sealed. Open it to "
                + "read and write, or map it privately."),
            Interop.Error.ENODEV when action == Map => new InvalidDataException(
                $"Cannot map '{name}': its file system has no mappings of files. Read it instead."),
            Interop.Error.EFAULT when action == Advise => new IOException(
                $"Cannot populate '{name}': its file is shorter than the range, or its file system is full."),
            Interop.Error.EINVAL when action == Advise => new IOException(
                $"Cannot advise on '{name}': this kernel does not have that advice, or not for this mapping or a locked range of it."),
            Interop.Error.EACCES or Interop.Error.EPERM => new UnauthorizedAccessException(
                $"Cannot {action} '{name}': its permissions, or those of {name.Directory}, do not allow it."),
            Interop.Error.EROFS => new UnauthorizedAccessException($"Cannot {action} '{name}': {name.Directory} is read-only."),
            Interop.Error.ELOOP => new InvalidDataException($"'{name}' is a symbolic link, and links are not followed."),
            Interop.Error.EISDIR => new InvalidDataException($"'{name}' is a directory, not {name.ANoun}."),
            Interop.Error.ENXIO or Interop.Error.ENODEV => new InvalidDataException($"'{name}' is a socket or a device, not {name.ANoun}."),
            Interop.Error.ENAMETOOLONG => new PathTooLongException($"Cannot {action} '{name}': its path is too long."),
            Interop.Error.ENOMEM => new IOException(
                $"Cannot {action} '{name}': out of memory, address space (RLIMIT_AS) or mappings (vm.max_map_count), or the system "
                + "promises no more memory to private copies (vm.overcommit_memory). Did you forget Dispose?"),
            Interop.Error.ENOSPC when action == Watch => new IOException(
                $"Cannot wait for '{name}': this user has no more inotify watches (fs.inotify.max_user_watches)."),
            Interop.Error.EMFILE when action == Watch => new IOException(
                $"Cannot wait for '{name}': this user has too many inotify instances (fs.inotify.max_user_instances), or this process "
                + "too many open files (RLIMIT_NOFILE)."),
            Interop.Error.EMFILE => new IOException(
                $"Cannot {action} '{name}': this process has too many open files (RLIMIT_NOFILE). Did you forget Dispose?"),
            Interop.Error.ENFILE => new IOException($"Cannot {action} '{name}': the system has too many open files (fs.file-max)."),
            Interop.Error.EFBIG => new IOException($"Cannot {action} '{name}': it is larger than RLIMIT_FSIZE or the file system allows."),
            _ => new IOException($"Cannot {action} '{name}': {Marshal.GetPInvokeErrorMessage(errno)}."),
        };

        exception.HResult = errno;
        return exception;
    }

    private static IOException LockLimit(int errno, SegmentName name, long bytes)
    {
        string limit = Interop.GetMemoryLockLimit(out long most) < 0 ? "not known"
            : most < 0 ? "none"
            : string.Create(CultureInfo.InvariantCulture, $"{most:N0} bytes");
        return new IOException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Cannot lock the {bytes:N0} bytes of '{name}' in memory: the limit of all that this process locks (RLIMIT_MEMLOCK) is "
                + $"{limit}. Please raise it (ulimit -l; systemd: LimitMEMLOCK=; Docker: --ulimit memlock=)."),
            errno);
    }

    /// <summary>Makes the exception for a name that does not exist.</summary>
    public static FileNotFoundException Missing(SegmentName name)
    {
        string place = Directory.Exists(name.Directory) ? string.Empty : $" There is no directory {name.Directory}.{OtherPlace(name)}";
        string message = $"There is no {name.Noun} named '{name}'.{place}{DefaultPlace(name)}";
        return new FileNotFoundException(message, name.Value) { HResult = NotThere };
    }

    /// <summary>Makes the exception for a name that exists.</summary>
    public static IOException Taken(SegmentName name)
        => name.IsInDefaultDirectory
            ? new IOException(
                $"There is {name.ANoun} named '{name}' already: open it, delete it first, or choose another name.{DefaultPlace(name)}",
                AlreadyExists)
            : new SharedArrayExistsException($"The name '{name}' is taken: attach it, delete it first, or choose another name.")
            {
                HResult = AlreadyExists,
                Name = name.Value,
            };

    /// <summary>Makes the exception for a file of another user.</summary>
    public static UnauthorizedAccessException OtherOwner(SegmentName name, uint owner)
        => new($"'{name}' belongs to user {owner}, who may change or truncate it at any time; set AllowOtherOwners to use it.");

    /// <summary>Makes the exception for a replacement that would change the permissions of an array.</summary>
    public static UnauthorizedAccessException OtherPermissions(int errno, SegmentName name, uint owner, uint group)
        => new(
            $"Cannot replace '{name}': this user cannot set the owner ({owner}), the group ({group}) and the access control list of the "
            + $"old array on the new one: {Marshal.GetPInvokeErrorMessage(errno)}. Delete it and create it anew.")
        {
            HResult = errno,
        };

    // The message for a system without /dev/shm, such as a container with "--ipc=none".
    private static string OtherPlace(SegmentName name) => name.Kind switch
    {
        SegmentKind.Semaphore => " Semaphores are kept there only; the locks of an array in a file ('file:///path') work without it.",
        SegmentKind.Object => " Shared memory objects are kept there only; an array in a file ('file:///path') works without it.",
        _ when name.Directory == ArrayDirectory.Default =>
            " An array works without it in a file ('file:///path'), best in another directory of memory (tmpfs), or POSIXSHM_DIR "
            + "names that for all arrays.",
        _ => string.Empty,
    };

    // The message if the arrays are in another directory: a user may expect the semaphores and objects there, too.
    private static string DefaultPlace(SegmentName name)
        => name.IsInDefaultDirectory && ArrayDirectory.IsChosen
            ? $" {name.PluralNoun} are in {name.Directory}: POSIXSHM_DIR is for arrays."
            : string.Empty;

    /// <summary>Makes the exception for a segment that is larger than the free space of its file system.</summary>
    public static IOException NoSpace(SegmentName name, long bytes) => NoSpace(NoSpaceLeft, name, bytes);

    /// <summary>Makes the exception for a segment that is larger than the available memory.</summary>
    public static IOException NoMemory(SegmentName name, long bytes, long available)
        => new(
            string.Create(
                CultureInfo.InvariantCulture,
                $"No memory for '{name}': {bytes:N0} bytes requested, available: {available:N0} bytes (of the machine, or of a control ")
            + "group). Please delete leftovers, or allocate memory at each first store (Preallocate = false).",
            NoSpaceLeft);

    /// <summary>Makes the exception for a full file system, with the requested and the free bytes.</summary>
    public static IOException NoSpace(int errno, SegmentName name, long bytes)
    {
        string free = Interop.GetFreeSpace(name.Directory, out long freeBytes, out long freeFiles, out _) < 0
            ? "not known"
            : freeFiles == 0 ? $"{freeBytes:N0} bytes, but not one inode (the mount's nr_inodes)" : $"{freeBytes:N0} bytes";

        string advice = name.Directory == ArrayDirectory.Default
            ? "delete leftovers, or make it larger (Docker: --shm-size; else: mount -o remount,size=...)"
            : "make room there";

        return new IOException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"No space in {name.Directory} for '{name}': {bytes:N0} bytes requested, free: {free}. Please {advice}."),
            errno);
    }
}
