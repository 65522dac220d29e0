using Microsoft.Win32.SafeHandles;

namespace PosixShm.Native;

/// <summary>Owns one open directory stream. Releasing it calls <c>closedir(3)</c>.</summary>
internal sealed class SafeDirectoryHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public SafeDirectoryHandle()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle() => Interop.CloseDirectory(handle) == 0;
}
