using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static unsafe partial class Interop
{
    internal const int ProbeHead = 512;
    internal const long NoByte = -1;
    internal const long NoStatus = -2;
    internal const int NameSize = 256;

    [InlineArray(ProbeHead)]
    internal struct HeadBytes
    {
        private byte _first;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Probe
    {
        public Status Status;
        public long File;
        public int Locked;
        public int HeadLength;
        public HeadBytes Head;

        /// <summary>Gets the first bytes of the file, up to its end. Empty if the file is not regular.</summary>
        [UnscopedRef]
        public readonly ReadOnlySpan<byte> FirstBytes => ((ReadOnlySpan<byte>)Head)[..HeadLength];
    }

    [LibraryImport(
        Libraries.PosixShm, EntryPoint = "PosixShm_OpenDirectory", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial SafeDirectoryHandle OpenDirectory(string path);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_ReadDirectory", SetLastError = true)]
    internal static partial int ReadDirectory(SafeDirectoryHandle directory, Span<byte> names, int size);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_CloseDirectory", SetLastError = true)]
    internal static partial int CloseDirectory(nint directory);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Probe", SetLastError = true)]
    internal static partial int ProbeEntry(
        SafeDirectoryHandle directory, byte* name, OpenFlags flags, long lockOffset, ByteLock kind, Probe* probe);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Probe", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int ProbePath(nint noDirectory, string name, OpenFlags flags, long lockOffset, ByteLock kind, Probe* probe);
}
