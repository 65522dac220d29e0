using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PosixShm.Native;

internal static partial class Interop
{
    internal enum ByteLock
    {
        LOCK_SHARED = 1,
        LOCK_EXCLUSIVE = 2,
    }

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_LockByte", SetLastError = true)]
    internal static partial int LockByte(SafeFileHandle fd, long offset, ByteLock kind);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_UnlockAll", SetLastError = true)]
    internal static partial int UnlockAll(SafeFileHandle fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FindByteLock", SetLastError = true)]
    internal static partial int FindByteLock(SafeFileHandle fd, long offset, ByteLock kind);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_TakeLease", SetLastError = true)]
    internal static partial int TakeLease(SafeFileHandle fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_EndLease", SetLastError = true)]
    internal static partial int EndLease(SafeFileHandle fd);
}
