using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A segment mapped into this process. Knows nothing of what is stored in it.</summary>
/// <remarks>
/// There is no finalizer, and the handles' own are suppressed: a mapping that went away while a span still points
/// into it would hand the span whatever is mapped there next. One that is never disposed stays until the process ends.
/// </remarks>
internal sealed class Segment : IDisposable
{
    private readonly SegmentFile _file;
    private readonly SafeMappingHandle _mapping;

    private Segment(SegmentFile file, SafeMappingHandle mapping, long length)
    {
        _file = file;
        _mapping = mapping;
        Length = length;
        file.KeepOpenUntilDisposed();
        GC.SuppressFinalize(mapping);
    }

    public SegmentName Name => _file.Name;

    /// <summary>Gets the mapped length in bytes.</summary>
    public long Length { get; }

    /// <summary>Gets the first mapped byte. Valid until <see cref="Dispose"/>.</summary>
    public nint Address => _mapping.DangerousGetHandle();

    /// <summary>Maps a checked file and takes it over.</summary>
    public static Segment Attach(SegmentFile file, long length, SegmentAccess access)
        => new(file, file.Map(length, access), length);

    /// <summary>
    /// Creates a segment that is absent or complete, never in between, at whatever moment its creator dies: the file has no
    /// name until all is written; see <c>O_TMPFILE</c> in <c>open(2)</c>.
    /// </summary>
    public static Segment Create(SegmentName name, SegmentImage image, UnixFileMode mode, bool reserve)
    {
        // Before the space is taken, and so that a full folder does not hide it. The last word is the publication's.
        if (Path.Exists(name.Path))
        {
            throw SegmentError.Taken(name);
        }

        return TryCreateUnnamed(name, image, mode, reserve) ?? CreateNamed(name, image, mode, reserve);
    }

    public void Dispose()
    {
        _mapping.Dispose();
        _file.Dispose();
    }

    private static Segment? TryCreateUnnamed(SegmentName name, SegmentImage image, UnixFileMode mode, bool reserve)
    {
        SegmentFile? file = SegmentFile.CreateUnnamed(name);
        if (file is null)
        {
            return null;
        }

        SafeMappingHandle? mapping = null;
        try
        {
            mapping = Fill(file, image, mode, reserve);
            if (file.TryPublishUnnamed())
            {
                Segment segment = new(file, mapping, image.Length);
                (file, mapping) = (null, null);
                return segment;
            }

            return null;
        }
        finally
        {
            mapping?.Dispose();
            file?.Dispose();
        }
    }

    // For file systems without O_TMPFILE, and for systems that can give an unnamed file no name.
    private static Segment CreateNamed(SegmentName name, SegmentImage image, UnixFileMode mode, bool reserve)
    {
        string path = $"{name.Folder}/.posixshm-{Guid.NewGuid():N}";
        SegmentFile? file = SegmentFile.CreateNamed(name, path);
        SafeMappingHandle? mapping = null;
        try
        {
            mapping = Fill(file, image, mode, reserve);
            file.PublishNamed(path);
            Segment segment = new(file, mapping, image.Length);
            (file, mapping) = (null, null);
            return segment;
        }
        finally
        {
            if (file is not null)
            {
                _ = Interop.Unlink(path);
                mapping?.Dispose();
                file.Dispose();
            }
        }
    }

    // All that can fail comes before the publication, the mapping included.
    private static SafeMappingHandle Fill(SegmentFile file, SegmentImage image, UnixFileMode mode, bool reserve)
    {
        file.SetLength(image.Length, reserve);
        file.Write(image.Head, 0);
        file.Write(image.Tail, image.Length - image.Tail.Length);
        file.SetPermissions(mode);
        file.MarkInUse();
        return file.Map(image.Length, SegmentAccess.ReadWrite);
    }
}
