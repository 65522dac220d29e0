using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Reads segments without mapping them, one after the other: their status, their bytes, and whether they are in use.</summary>
internal sealed unsafe class SegmentProbe : IByteSource, IDisposable
{
    private readonly Interop.Probe* _probe = (Interop.Probe*)NativeMemory.Alloc((nuint)sizeof(Interop.Probe));

    public SegmentProbe() => _probe->File = -1;

    public ref readonly Interop.Status Status => ref _probe->Status;

    /// <summary>Gets whether a process has the segment attached.</summary>
    public bool IsInUse => _probe->Locked > 0;

    /// <inheritdoc cref="Interop.Probe.FirstBytes"/>
    public ReadOnlySpan<byte> Head => _probe->FirstBytes;

    /// <summary>Reads one segment.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="withUse">Whether <see cref="IsInUse"/> is needed.</param>
    public void Read(SegmentName name, bool withUse = true)
    {
        Interop.OpenFlags flags = name.Kind == SegmentKind.Descriptor ? Interop.OpenFlags.O_FOLLOW : Interop.OpenFlags.O_RDONLY;
        long lockOffset = withUse ? SegmentFile.InUseByte : Interop.NoByte;
        for (Patience patience = Patience.ForOne; Read(name, flags, lockOffset, Interop.ByteLock.LOCK_NONE, _probe) < 0;)
        {
            // A lease refuses an open that does not wait.
            if (Interop.LastError != Interop.Error.EAGAIN || !patience.TryWait())
            {
                throw SegmentError.Last(name, _probe->Locked < 0 ? SegmentError.Lock : SegmentError.Read);
            }
        }
    }

    /// <summary>Reads only the first bytes of one segment into <see cref="Head"/>. False if that failed, or has to wait.</summary>
    public bool TryReadHead(SegmentName name)
        => Read(name, Interop.OpenFlags.O_RDONLY, Interop.NoStatus, Interop.ByteLock.LOCK_NONE, _probe) == 0;

    /// <summary>Opens a file by its name, reads it, and leaves it open. Returns 0, or -1. See <see cref="SegmentFile.OpenName"/>.</summary>
    public static int Read(SegmentName name, Interop.OpenFlags flags, long lockOffset, Interop.ByteLock kind, Interop.Probe* probe)
    {
        bool isObject = name.IsObject && (flags & Interop.OpenFlags.O_FOLLOW) == 0;
        return Interop.ProbePath(0, isObject ? name.Value : name.Path, flags, lockOffset, kind, probe);
    }

    /// <summary>Reads a file of a directory. False if it was deleted, is leased, cannot be an array, or may not be read.</summary>
    /// <param name="directory">The directory, for messages.</param>
    /// <param name="handle">The open directory.</param>
    /// <param name="file">The file's name, with its zero.</param>
    /// <param name="isLeased">Whether a later try may succeed.</param>
    /// <exception cref="IOException">The file cannot be read for another reason. The directory may have arrays.</exception>
    public bool TryRead(SegmentName directory, SafeDirectoryHandle handle, byte* file, out bool isLeased)
    {
        const Interop.OpenFlags Flags = Interop.OpenFlags.O_RDONLY;
        bool isRead = Interop.ProbeEntry(handle, file, Flags, SegmentFile.InUseByte, Interop.ByteLock.LOCK_NONE, _probe) == 0;
        Interop.Error error = isRead ? Interop.Error.SUCCESS : Interop.LastError;
        isLeased = error == Interop.Error.EAGAIN && _probe->Locked >= 0;
        bool isSkipped = isLeased || error is Interop.Error.ENOENT or Interop.Error.EACCES or Interop.Error.EPERM
            or Interop.Error.ELOOP or Interop.Error.ENXIO or Interop.Error.ENODEV;
        return isRead || isSkipped
            ? isRead
            : throw SegmentError.Last(directory, _probe->Locked < 0 ? SegmentError.Lock : SegmentError.List);
    }

    /// <inheritdoc/>
    /// <remarks>A failure counts as no bytes: the reader then finds no array.</remarks>
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
