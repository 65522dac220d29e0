using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static unsafe partial class Interop
{
    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FutexWait", SetLastError = true)]
    internal static partial int FutexWait(int* address, int expected, int timeoutMilliseconds);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FutexWake", SetLastError = true)]
    internal static partial int FutexWake(int* address, int count);
}
