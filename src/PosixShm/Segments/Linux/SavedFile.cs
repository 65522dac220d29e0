using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A new file that replaces any file of its name when it is complete. Before, disposing it leaves the old file unchanged. It gets
/// the default permissions, not those of arrays.</summary>
internal sealed class SavedFile : IDisposable
{
    private readonly SegmentFile _file;
    private string? _path;
    private long _length;

    /// <summary>Makes the file under another name in the same directory.</summary>
    /// <exception cref="IOException">The name is that of a device, a pipe or a socket, which cannot be replaced by a file.</exception>
    public SavedFile(SegmentName name)
    {
        if (Interop.Stat(name.Path, follow: 1, out Interop.Status old) == 0 && old.Type != Interop.FileType.TYPE_REGULAR)
        {
            throw new IOException(
                $"'{name.Path}' is not a regular file, and is not replaced by one. Open a pipe or a device, and write to its stream.");
        }

        _path = name.MakeOwnPath();
        using SafeFileHandle created = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        _file = new SegmentFile(name, new Descriptor(created.DangerousGetHandle()));
        created.SetHandleAsInvalid();
    }

    /// <summary>Appends bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _file.Write(bytes, _length);
        _length += bytes.Length;
    }

    /// <summary>Moves the complete file to its name.</summary>
    public void Publish(bool flushToDisk)
    {
        if (flushToDisk)
        {
            _file.Sync();
        }

        SegmentError.Check(Interop.Rename(_path!, _file.Name.Path), _file.Name, "save");
        _path = null;
        if (flushToDisk)
        {
            _file.Sync();
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        if (_path is not null)
        {
            _ = Interop.Unlink(_path);
        }
    }
}
