using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static unsafe partial class Interop
{
    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_InstallGuard", SetLastError = true)]
    internal static partial int InstallGuard();

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_IsGuardActive")]
    internal static partial int IsGuardActive();

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Guard", SetLastError = true)]
    internal static partial int* Guard(nint address, ulong length, MapFlags flags, Descriptor fd, ulong offset);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Unguard")]
    internal static partial void Unguard(int* lost);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Copy")]
    internal static partial int* Copy(void* destination, void* source, ulong length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Fill")]
    internal static partial int* Fill(void* destination, ulong length, void* element, ulong size);
}
