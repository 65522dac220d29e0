using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>
/// The ways to create a segment that a system refused. Sandboxes (a strict snap's AppArmor, gVisor, proot, seccomp) and file systems refuse some and allow
/// others, each with an error of its own. The first error is the one to report if nothing is left to try.
/// </summary>
internal sealed class Refusals
{
    private int _first;

    /// <summary>Notes the error that this thread's last call left behind; false if another way would meet it, too.</summary>
    public bool Note()
    {
        int errno = Marshal.GetLastPInvokeError();
        bool isRefusal = Interop.ConvertErrno(errno)
            is Interop.Error.EACCES or Interop.Error.EPERM or Interop.Error.ENOSYS or Interop.Error.EOPNOTSUPP
            or Interop.Error.EISDIR or Interop.Error.EXDEV or Interop.Error.EINVAL;
        _first = isRefusal && _first == 0 ? errno : _first;
        return isRefusal;
    }

    /// <summary>Makes the exception for a segment that could not be created in any way.</summary>
    public Exception First(SegmentName name) => SegmentError.From(_first, name, SegmentError.Create);
}
