using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_IsSecureExecution")]
    internal static partial int IsSecureExecution();
}
