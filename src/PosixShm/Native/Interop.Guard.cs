using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static unsafe partial class Interop
{
    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_InstallGuard", SetLastError = true)]
    internal static partial int InstallGuard();

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Guard", SetLastError = true)]
    internal static partial int* Guard(nint address, ulong length, MapFlags flags);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Unguard")]
    internal static partial void Unguard(int* lost);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Copy", SetLastError = true)]
    internal static partial int Copy(void* destination, void* source, ulong length);
}
