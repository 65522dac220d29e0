using Microsoft.Win32.SafeHandles;

namespace PosixShm.Native;

/// <summary>Owns one mapping of a file; releasing it calls <c>munmap(2)</c>.</summary>
internal sealed class SafeMappingHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private ulong _length;

    public SafeMappingHandle()
        : base(ownsHandle: true)
    {
    }

    /// <summary>Maps a file from its start. The handle is invalid on failure, and the error is the thread's last.</summary>
    public static SafeMappingHandle Map(SafeFileHandle fd, long length, Interop.MapFlags flags)
    {
        SafeMappingHandle mapping = Interop.MMap((ulong)length, flags, fd);
        mapping._length = (ulong)length;
        return mapping;
    }

    protected override bool ReleaseHandle() => Interop.MUnmap(handle, _length) == 0;
}
