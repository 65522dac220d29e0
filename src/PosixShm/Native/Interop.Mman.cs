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

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MMap", SetLastError = true)]
    internal static partial SafeMappingHandle MMap(ulong length, MapFlags flags, SafeFileHandle fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_MUnmap", SetLastError = true)]
    internal static partial int MUnmap(nint address, ulong length);
}
