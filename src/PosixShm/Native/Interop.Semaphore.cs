using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemInit", SetLastError = true)]
    internal static partial int SemInit(Span<byte> bytes, uint value);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_IsSemaphore")]
    internal static partial int IsSemaphore(ReadOnlySpan<byte> bytes);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemWait", SetLastError = true)]
    internal static partial int SemWait(SafeMappingHandle semaphore, int timeoutMilliseconds);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemPost", SetLastError = true)]
    internal static partial int SemPost(SafeMappingHandle semaphore);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemGetValue", SetLastError = true)]
    internal static partial int SemGetValue(SafeMappingHandle semaphore);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_GetSemaphoreSize")]
    internal static partial int GetSemaphoreSize();
}
