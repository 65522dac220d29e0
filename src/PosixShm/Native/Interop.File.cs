using System.Runtime.InteropServices;

namespace PosixShm.Native;

internal static partial class Interop
{
    [Flags]
    internal enum OpenFlags
    {
        O_RDONLY = 0x0000,
        O_RDWR = 0x0002,
        O_CREAT = 0x0020,
        O_FOLLOW = 0x0100,
    }

    internal enum FileType : uint
    {
        TYPE_OTHER = 0,
        TYPE_REGULAR = 1,
        TYPE_DIRECTORY = 2,
        TYPE_SYMLINK = 3,
        TYPE_FIFO = 4,
        TYPE_SOCKET = 5,
        TYPE_DEVICE = 6,
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Status
    {
        public long Size;
        public ulong Device;
        public ulong Inode;
        public long Modified;
        public long Born;
        public FileType Type;
        public uint Permissions;
        public uint Owner;
        public uint Group;
        public uint Links;
        public uint Reserved;
    }

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial Descriptor Open(string path, OpenFlags flags);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_ShmOpen", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial Descriptor ShmOpen(string name, OpenFlags flags);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_ShmUnlink", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int ShmUnlink(string name);

    [LibraryImport(
        Libraries.PosixShm, EntryPoint = "PosixShm_OpenUnnamed", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial Descriptor OpenUnnamed(string directory);

    [LibraryImport(
        Libraries.PosixShm, EntryPoint = "PosixShm_LinkThroughProc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int LinkThroughProc(Descriptor fd, string path);

    [LibraryImport(
        Libraries.PosixShm, EntryPoint = "PosixShm_LinkEmptyPath", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int LinkEmptyPath(Descriptor fd, string path);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int Link(string from, string to);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_RenameNew", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int RenameNew(string from, string to);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Rename", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int Rename(string from, string to);

    [LibraryImport(
        Libraries.PosixShm, EntryPoint = "PosixShm_CreateAnonymous", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial Descriptor CreateAnonymous(string label);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SealSize", SetLastError = true)]
    internal static partial int SealSize(Descriptor fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_SetInheritable", SetLastError = true)]
    internal static partial int SetInheritable(Descriptor fd, int inheritable);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Duplicate", SetLastError = true)]
    internal static partial Descriptor Duplicate(Descriptor fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_IsInheritable", SetLastError = true)]
    internal static partial int IsInheritable(Descriptor fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Unlink", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int Unlink(string path);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FStat", SetLastError = true)]
    internal static partial int FStat(Descriptor fd, out Status status);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Stat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int Stat(string path, int follow, out Status status);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_IsOwner", SetLastError = true)]
    internal static partial int IsOwner(Descriptor fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FChOwn", SetLastError = true)]
    internal static partial int FChOwn(Descriptor fd, uint owner, uint group);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_CopyAccessList", SetLastError = true)]
    internal static partial int CopyAccessList(Descriptor from, Descriptor to);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FChMod", SetLastError = true)]
    internal static partial int FChMod(Descriptor fd, uint permissions);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FTruncate", SetLastError = true)]
    internal static partial int FTruncate(Descriptor fd, long length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Allocate", SetLastError = true)]
    internal static partial int Allocate(Descriptor fd, long offset, long length);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_PRead", SetLastError = true)]
    internal static partial long PRead(Descriptor fd, Span<byte> buffer, long length, long offset);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_PRead", SetLastError = true)]
    internal static partial long PRead(nint fd, Span<byte> buffer, long length, long offset);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_WriteZero", SetLastError = true)]
    internal static partial int WriteZero(Descriptor fd, long offset);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_PWrite", SetLastError = true)]
    internal static partial long PWrite(Descriptor fd, ReadOnlySpan<byte> buffer, long length, long offset);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_FSync", SetLastError = true)]
    internal static partial int FSync(Descriptor fd);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_Close")]
    internal static partial int Close(nint fd, int unlock);

    [LibraryImport(Libraries.PosixShm, EntryPoint = "PosixShm_GetEffectiveUser")]
    internal static partial uint GetEffectiveUser();
}
