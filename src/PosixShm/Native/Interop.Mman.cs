using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PosixShm.Native;

internal static partial class Interop
{
    [Flags]
    internal enum MapFlags
    {
        MAP_READ = 0x1,
        MAP_WRITE = 0x2,
        MAP_PRIVATE = 0x4,
    }

    internal enum MemoryAdvice
    {
        ADVICE_HUGE_PAGES = 1,
        ADVICE_POPULATE_WRITE = 2,
    }

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MMap", SetLastError = true)]
    internal static partial SafeMappingHandle MMap(ulong length, MapFlags flags, SafeFileHandle fd, long offset);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MAdvise", SetLastError = true)]
    internal static partial int MAdvise(nint address, ulong length, MemoryAdvice advice);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MSync", SetLastError = true)]
    internal static partial int MSync(SafeMappingHandle address, ulong length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MLock", SetLastError = true)]
    internal static partial int MLock(SafeMappingHandle address, ulong length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MUnlock", SetLastError = true)]
    internal static partial int MUnlock(SafeMappingHandle address, ulong length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_GetMemoryLockLimit", SetLastError = true)]
    internal static partial int GetMemoryLockLimit(out long bytes);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MUnmap", SetLastError = true)]
    internal static partial int MUnmap(nint address, ulong length);
}
