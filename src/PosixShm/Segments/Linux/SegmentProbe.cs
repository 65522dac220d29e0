using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Looks at segments without mapping them, one after the other: their status, their bytes, and whether they are in use.</summary>
internal sealed unsafe class SegmentProbe : IByteSource, IDisposable
{
    // Neither is a byte of a file.
    public const long NoByte = -1;
    private const long NoStatus = -2;

    private readonly Interop.Probe* _probe = (Interop.Probe*)NativeMemory.Alloc((nuint)sizeof(Interop.Probe));

    public SegmentProbe() => _probe->File = -1;

    public ref readonly Interop.Status Status => ref _probe->Status;

    /// <summary>Gets whether some process has the segment attached.</summary>
    public bool IsInUse => _probe->Locked > 0;

    /// <inheritdoc cref="Interop.Probe.FirstBytes"/>
    public ReadOnlySpan<byte> Head => _probe->FirstBytes;

    /// <summary>Looks at one segment.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="asksUse">Whether <see cref="IsInUse"/> is of interest.</param>
    public void Read(SegmentName name, bool asksUse = true)
    {
        Interop.OpenFlags flags = name.Kind == SegmentKind.Descriptor ? Interop.OpenFlags.O_FOLLOW : Interop.OpenFlags.O_RDONLY;
        for (Patience patience = Patience.ForOne; Read(name, flags, asksUse ? SegmentFile.InUseByte : NoByte, Interop.ByteLock.LOCK_NONE, _probe) < 0;)
        {
            // A lease refuses an open that does not wait.
            if (Interop.LastError != Interop.Error.EAGAIN || !patience.TryWait())
            {
                throw SegmentError.Last(name, _probe->Locked < 0 ? SegmentError.Lock : SegmentError.Read);
            }
        }
    }

    /// <summary>Reads the first bytes of one segment into <see cref="Head"/>, and nothing else, for those to whom they may say enough. False if that failed, or has to wait.</summary>
    public bool TryReadHead(SegmentName name) => Read(name, Interop.OpenFlags.O_RDONLY, NoStatus, Interop.ByteLock.LOCK_NONE, _probe) == 0;

    /// <summary>Opens a file by name and looks at it, and leaves it open. Returns 0, or -1. The C library knows shared memory objects in one directory, and follows no link to them.</summary>
    public static int Read(SegmentName name, Interop.OpenFlags flags, long lockOffset, Interop.ByteLock kind, Interop.Probe* probe)
    {
        bool isObject = name.IsObject && (flags & Interop.OpenFlags.O_FOLLOW) == 0;
        return Interop.ProbePath(0, isObject ? name.Value : name.Path, flags, lockOffset, kind, probe);
    }

    /// <summary>Looks at a file of a folder; false if it was deleted, cannot be an array, or may not be read by this user; or if another process holds a lease on it.</summary>
    /// <param name="folder">The folder, for messages.</param>
    /// <param name="directory">The open folder.</param>
    /// <param name="file">The file's name, with its zero.</param>
    /// <param name="isLeased">Whether a later try may succeed.</param>
    /// <exception cref="IOException">Anything else keeps the file from being read: not to be taken for a folder without arrays.</exception>
    public bool TryLook(SegmentName folder, SafeDirectoryHandle directory, byte* file, out bool isLeased)
    {
        bool isRead = Interop.ProbeEntry(directory, file, Interop.OpenFlags.O_RDONLY, SegmentFile.InUseByte, Interop.ByteLock.LOCK_NONE, _probe) == 0;
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
        if (_probe->File >= 0)
        {
            _ = Interop.Close((nint)_probe->File, unlock: 0);
        }

        NativeMemory.Free(_probe);
    }
}
