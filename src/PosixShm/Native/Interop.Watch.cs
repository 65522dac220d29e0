using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    internal enum WatchResult
    {
        WATCH_OTHER = 0,
        WATCH_NAMED = 1,
        WATCH_ENDED = 2,
    }

    [LibraryImport(
        Libraries.PosixShm, EntryPoint = "PosixShm_WatchDirectory", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial Descriptor WatchDirectory(string path, out int watch);

    [LibraryImport(
        Libraries.PosixShm, EntryPoint = "PosixShm_WaitForEntry", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial WatchResult WaitForEntry(Descriptor fd, string name, int timeoutMilliseconds);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_EndWatch", SetLastError = true)]
    internal static partial int EndWatch(Descriptor fd, int watch);
}
