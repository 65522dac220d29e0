using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    [LibraryImport(
        Libraries.PosixShm, EntryPoint = "PosixShm_GetFreeSpace", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int GetFreeSpace(string path, out long bytes, out long files, out int isMemory);
}
