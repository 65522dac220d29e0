using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static unsafe partial class Interop
{
    [Flags]
    internal enum MapFlags
    {
        MAP_READ = 0x1,
        MAP_WRITE = 0x2,
        MAP_PRIVATE = 0x4,
        MAP_NORESERVE = 0x8,
        MAP_POPULATE = 0x10,
    }

    internal enum MemoryAdvice
    {
        ADVICE_NORMAL = 0,
        ADVICE_HUGE_PAGES = 1,
        ADVICE_POPULATE_WRITE = 2,
        ADVICE_COLLAPSE = 3,
        ADVICE_RANDOM = 4,
        ADVICE_SEQUENTIAL = 5,
        ADVICE_WILL_NEED = 6,
        ADVICE_DONT_NEED = 7,
        ADVICE_REMOVE = 8,
        ADVICE_SMALL_PAGES = 9,
        ADVICE_DONT_DUMP = 10,
        ADVICE_DO_DUMP = 11,
        ADVICE_COLD = 12,
        ADVICE_PAGE_OUT = 13,
        ADVICE_POPULATE_READ = 14,
    }

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MMap", SetLastError = true)]
    internal static partial nint MMap(ulong length, MapFlags flags, Descriptor fd, long offset, int** lost);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MProtect", SetLastError = true)]
    internal static partial int MProtect(nint address, ulong length, MapFlags flags, int* lost);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MAdvise", SetLastError = true)]
    internal static partial int MAdvise(nint address, ulong length, MemoryAdvice advice);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MSync", SetLastError = true)]
    internal static partial int MSync(nint address, ulong length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MLock", SetLastError = true)]
    internal static partial int MLock(nint address, ulong length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MUnlock", SetLastError = true)]
    internal static partial int MUnlock(nint address, ulong length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_GetMemoryLockLimit", SetLastError = true)]
    internal static partial int GetMemoryLockLimit(out long bytes);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MUnmap")]
    internal static partial int MUnmap(nint address, ulong length, int* lost);
}
