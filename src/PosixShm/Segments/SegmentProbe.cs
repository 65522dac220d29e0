using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Looks at segments without mapping them, one after the other: their status, their bytes, and whether they are in use.</summary>
internal sealed unsafe class SegmentProbe : IByteSource, IDisposable
{
    // Before every file: not asked for.
    private const long NoByte = -1;

    private readonly Interop.Probe* _probe = (Interop.Probe*)NativeMemory.Alloc((nuint)sizeof(Interop.Probe));

    public SegmentProbe() => _probe->File = -1;

    public ref readonly Interop.Status Status => ref _probe->Status;

    /// <summary>Gets whether some process has the segment attached.</summary>
    public bool IsInUse => _probe->Locked > 0;

    /// <summary>Gets the first bytes: the whole file, if it is short. None if it is no regular file.</summary>
    public ReadOnlySpan<byte> Head => ((ReadOnlySpan<byte>)_probe->Head)[.._probe->HeadLength];

    /// <summary>Looks at one segment.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="asksUse">Whether <see cref="IsInUse"/> is of interest.</param>
    public void Look(SegmentName name, bool asksUse = true)
    {
        _probe->Locked = 0;
        int follow = name.Kind == SegmentKind.Descriptor ? 1 : 0;
        string path = name.IsObject ? name.Value : name.Path;
        for (Patience patience = Patience.ForOne; Interop.ProbePath(0, path, follow, asksUse ? SegmentFile.InUseByte : NoByte, _probe) < 0;)
        {
            // A lease refuses an open that does not wait.
            if (Interop.LastError != Interop.Error.EAGAIN || !patience.TryWait())
            {
                throw SegmentError.Last(name, _probe->Locked < 0 ? SegmentError.Lock : SegmentError.Read);
            }
        }
    }

    /// <summary>Looks at a file of a folder; false if it was deleted, cannot be an array, or may not be read by this user; or if another process holds a lease on it.</summary>
    /// <param name="folder">The folder, for messages.</param>
    /// <param name="directory">The open folder.</param>
    /// <param name="file">The file's name, with its zero.</param>
    /// <param name="isLeased">Whether a later try may succeed.</param>
    /// <exception cref="IOException">Anything else keeps the file from being read: not to be taken for a folder without arrays.</exception>
    public bool TryLook(SegmentName folder, SafeDirectoryHandle directory, byte* file, out bool isLeased)
    {
        _probe->Locked = 0;
        bool isRead = Interop.ProbeEntry(directory, file, 0, SegmentFile.InUseByte, _probe) == 0;
        Interop.Error error = isRead ? Interop.Error.SUCCESS : Interop.LastError;
        isLeased = error == Interop.Error.EAGAIN && _probe->Locked >= 0;
        bool isSkipped = isLeased || error is Interop.Error.ENOENT or Interop.Error.EACCES or Interop.Error.EPERM
            or Interop.Error.ELOOP or Interop.Error.ENXIO or Interop.Error.ENODEV;
        return isRead || isSkipped
            ? isRead
            : throw SegmentError.Last(folder, _probe->Locked < 0 ? SegmentError.Lock : SegmentError.List);
    }

    /// <inheritdoc/>
    /// <remarks>What cannot be read is not there: the reader then finds no array.</remarks>
    public int Read(Span<byte> buffer, long offset)
    {
        bool isRegular = Status.Type == Interop.FileType.TYPE_REGULAR;
        return isRegular ? (int)Math.Max(0, Interop.PRead((nint)_probe->File, buffer, buffer.Length, offset)) : 0;
    }

    public void Dispose()
    {
        Interop.EndProbe(_probe);
        NativeMemory.Free(_probe);
    }
}
