using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    /// <summary>The shim's own error numbers, the same on every platform.</summary>
    internal enum Error
    {
        SUCCESS = 0,

        EACCES = 0x10002,       // Permission denied.
        EAGAIN = 0x10006,       // Another process holds the lock or the lease.
        EDQUOT = 0x10013,       // The user's quota is used up.
        EEXIST = 0x10014,       // The name exists.
        EFAULT = 0x10015,       // The memory is lost.
        EFBIG = 0x10016,        // Larger than RLIMIT_FSIZE or the file system allows.
        EINVAL = 0x1001C,       // Invalid argument.
        EISDIR = 0x1001F,       // A directory in place of a file.
        ELOOP = 0x10020,        // A symbolic link that is not followed.
        EMFILE = 0x10021,       // Too many descriptors in this process.
        ENAMETOOLONG = 0x10025, // Name too long.
        ENFILE = 0x10029,       // Too many descriptors in the system.
        ENODEV = 0x1002C,       // The file cannot be mapped.
        ENOENT = 0x1002D,       // No such name.
        ENOLCK = 0x1002E,       // The file system has no locks.
        ENOMEM = 0x10031,       // Not enough memory, address space or mappings.
        ENOSPC = 0x10034,       // No space left in the file system.
        ENOSYS = 0x10037,       // The kernel has no such call.
        ENOTDIR = 0x10039,      // A file in place of a directory.
        ENXIO = 0x1003B,        // A socket or a device without a driver.
        EOPNOTSUPP = 0x1003D,   // The file system has no such operation.
        EOVERFLOW = 0x10041,    // A count past its largest value.
        EPERM = 0x10042,        // Operation not permitted.
        ERANGE = 0x10045,       // The buffer is too small.
        EROFS = 0x10046,        // Read-only file system.
        ETIMEDOUT = 0x1004D,    // The wait timed out.
        EXDEV = 0x1004F,        // Not within one file system.

        ENONSTANDARD = 0x1FFFF, // Any other; see the raw errno.
    }

    /// <summary>The error of this thread's last call.</summary>
    internal static Error LastError => ConvertErrno(Marshal.GetLastPInvokeError());

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_ConvertErrno")]
    [SuppressGCTransition]
    internal static partial Error ConvertErrno(int platformErrno);
}
