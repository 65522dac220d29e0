using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    internal enum ByteLock
    {
        LOCK_NONE = 0,
        LOCK_SHARED = 1,
        LOCK_EXCLUSIVE = 2,
    }

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_LockByte", SetLastError = true)]
    internal static partial int LockByte(Descriptor fd, long offset, ByteLock kind);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_UnlockAll", SetLastError = true)]
    internal static partial int UnlockAll(Descriptor fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FindByteLock", SetLastError = true)]
    internal static partial int FindByteLock(Descriptor fd, long offset, ByteLock kind);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_TakeLease", SetLastError = true)]
    internal static partial int TakeLease(Descriptor fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_EndLease", SetLastError = true)]
    internal static partial int EndLease(Descriptor fd);
}
