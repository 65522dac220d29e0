using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>The errors by which the system refused to create a segment. Sandboxes (a strict snap's AppArmor, gVisor, proot, seccomp) and
/// file systems refuse some calls and allow others, each with an error of its own. If no fallback is left, the first error is
/// reported.</summary>
internal sealed class Refusals
{
    private int _first;

    /// <summary>Notes the error of this thread's last call. False if every fallback would meet it, too.</summary>
    public bool Note()
    {
        int errno = Marshal.GetLastPInvokeError();
        bool isRefusal = Interop.ConvertErrno(errno)
            is Interop.Error.EACCES or Interop.Error.EPERM or Interop.Error.ENOSYS or Interop.Error.EOPNOTSUPP
            or Interop.Error.EISDIR or Interop.Error.EXDEV or Interop.Error.EINVAL;
        _first = isRefusal && _first == 0 ? errno : _first;
        return isRefusal;
    }

    /// <summary>Notes the error of this thread's last call and returns false, or throws if every fallback would meet it, too.</summary>
    public bool NoteOrThrow(SegmentName name) => Note() ? false : throw SegmentError.Last(name, SegmentError.Create);

    /// <summary>Makes the exception for a segment that could not be created.</summary>
    public Exception First(SegmentName name) => SegmentError.From(_first, name, SegmentError.Create);
}
