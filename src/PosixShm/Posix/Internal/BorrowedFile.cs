using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Posix;

/// <summary>The use of a handle's file by one call. The descriptor stays open until the call ends, even if another thread disposes the
/// handle.</summary>
internal readonly ref struct BorrowedFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <summary>Adds a reference to a handle.</summary>
    /// <param name="handle">The handle.</param>
    /// <param name="name">The file's name; null if it is known by its descriptor only.</param>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The handle owns the descriptor.")]
    public BorrowedFile(SafeFileHandle handle, SegmentName? name = null)
    {
        bool isAdded = false;
        handle.DangerousAddRef(ref isAdded);
        _handle = handle;
        nint fd = handle.DangerousGetHandle();
        File = new SegmentFile(name ?? SegmentName.OfDescriptor(Environment.ProcessId, fd), new Descriptor(fd));
    }

    /// <summary>Gets the file, which must not be disposed.</summary>
    public SegmentFile File { get; }

    public void Dispose() => _handle.DangerousRelease();
}
