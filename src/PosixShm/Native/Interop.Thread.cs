using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_CreateThreadWatch", SetLastError = true)]
    internal static partial nint CreateThreadWatch();

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_WatchThread", SetLastError = true)]
    internal static partial int WatchThread(nint watch, nint thread);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_WaitForThreadEnd")]
    internal static partial nint WaitForThreadEnd(nint watch);
}
