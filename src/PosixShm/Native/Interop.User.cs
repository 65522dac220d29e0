using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_GetUserName", SetLastError = true)]
    internal static partial int GetUserName(uint user, Span<byte> buffer, int size);
}
