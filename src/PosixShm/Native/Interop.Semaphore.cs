using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemOpen", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial SafeSemaphoreHandle SemOpen(string name, int create, uint mode, uint value);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemClose", SetLastError = true)]
    internal static partial int SemClose(nint semaphore);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemUnlink", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int SemUnlink(string name);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_IsSemaphore")]
    internal static partial int IsSemaphore(ReadOnlySpan<byte> bytes);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemWait", SetLastError = true)]
    internal static partial int SemWait(SafeSemaphoreHandle semaphore, int timeoutMilliseconds);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemPost", SetLastError = true)]
    internal static partial int SemPost(SafeSemaphoreHandle semaphore);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SemGetValue", SetLastError = true)]
    internal static partial int SemGetValue(SafeSemaphoreHandle semaphore);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_GetSemaphoreSize")]
    internal static partial int GetSemaphoreSize();
}
