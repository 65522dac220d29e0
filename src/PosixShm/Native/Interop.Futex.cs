using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static unsafe partial class Interop
{
    internal const int MostFutexes = 128;

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FutexWait", SetLastError = true)]
    internal static partial int FutexWait(int* address, int expected, int timeoutMilliseconds);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FutexWaitAny", SetLastError = true)]
    internal static partial int FutexWaitAny(Futex* words, int count, int timeoutMilliseconds);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FutexWake", SetLastError = true)]
    internal static partial int FutexWake(int* address, int count);

    internal struct Futex
    {
        public ulong Expected;
        public int* Address;
        public uint Flags;
        public uint Reserved;
    }
}
