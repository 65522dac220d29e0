using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A segment mapped into this process. Knows nothing of what is stored in it.</summary>
/// <remarks>
/// It lives as long as somebody holds a reference: the creator has the first one. There is no finalizer, and the handles' own
/// are suppressed: a mapping that went away while a span still points into it would hand the span whatever is mapped there
/// next. One whose references are never released stays until the process ends.
/// </remarks>
internal sealed class Segment
{
    private readonly SegmentFile _file;
    private readonly SafeMappingHandle _mapping;
    private int _references = 1;

    private Segment(SegmentFile file, SafeMappingHandle mapping, long length, SegmentAccess access)
    {
        _file = file;
        _mapping = mapping;
        Length = length;
        Access = access;
        file.KeepOpenUntilDisposed();
        GC.SuppressFinalize(mapping);
    }

    public SegmentName Name => _file.Name;

    /// <summary>Gets the mapped length in bytes.</summary>
    public long Length { get; }

    /// <summary>Gets what this process may do with it.</summary>
    public SegmentAccess Access { get; }

    /// <summary>Gets the first mapped byte. Valid for as long as a reference is held.</summary>
    public nint Address => _mapping.DangerousGetHandle();

    /// <summary>Gets the file's number in its file system.</summary>
    public ulong Inode => _file.GetInode();

    /// <summary>Gets whether the name still stands for this segment.</summary>
    public bool IsCurrent => _file.IsCurrent();

    /// <summary>Maps a checked file and takes it over.</summary>
    public static Segment Attach(SegmentFile file, long length, SegmentAccess access)
        => new(file, file.Map(length, access), length, access);

    /// <summary>
    /// Creates a segment that is absent or complete, never in between, at whatever moment its creator dies: the file has no
    /// name until all is written; see <c>O_TMPFILE</c> in <c>open(2)</c>.
    /// </summary>
    public static Segment Create(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
    {
        // Before the space is taken, and so that a full folder does not hide it. The last word is the publication's.
        return SegmentFolder.Has(name) ? throw SegmentError.Taken(name) : Publish(name, image, options, fill, replace: false);
    }

    /// <summary>Creates a segment in place of the one that has the name; whoever has that one attached keeps it.</summary>
    public static Segment Replace(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
        => Publish(name, image, options, fill, replace: true);

    /// <summary>Creates a segment without a name, whose size nobody can change.</summary>
    public static Segment CreateAnonymous(string label, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
    {
        SegmentFile? file = SegmentFile.CreateAnonymous(label);
        SafeMappingHandle? mapping = null;
        try
        {
            mapping = Fill(file, image, options, fill);
            file.SealSize();
            Segment segment = new(file, mapping, image.Length, SegmentAccess.ReadWrite);
            (file, mapping) = (null, null);
            return segment;
        }
        finally
        {
            mapping?.Dispose();
            file?.Dispose();
        }
    }

    /// <inheritdoc cref="SegmentFile.TryLockByte"/>
    public bool TryLockByte(long offset) => _file.TryLockByte(offset);

    /// <inheritdoc cref="SegmentFile.IsByteLocked"/>
    public bool IsByteLocked(long offset) => _file.IsByteLocked(offset);

    /// <summary>Says whether programs that this process starts get the segment's descriptor.</summary>
    public void SetInheritable(bool inheritable) => _file.SetInheritable(inheritable);

    /// <summary>Takes a reference; false if the last one is gone already.</summary>
    public bool TryAddReference()
    {
        int seen = Volatile.Read(ref _references);
        while (seen > 0)
        {
            int before = Interlocked.CompareExchange(ref _references, seen + 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    /// <summary>Gives a reference back; the last one unmaps, and then says that the segment is no longer in use.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            _mapping.Dispose();
            _file.Dispose();
        }
    }

    private static Segment Publish(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, bool replace)
        => TryPublishUnnamed(name, image, options, fill, replace) ?? PublishNamed(name, image, options, fill, replace);

    // A name of its own, for the moment before a replacement and for file systems that can do no better.
    private static string OwnPath(SegmentName name) => $"{name.Folder}/.posixshm-{Guid.NewGuid():N}";

    private static Segment? TryPublishUnnamed(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, bool replace)
    {
        SegmentFile? file = SegmentFile.CreateUnnamed(name);
        if (file is null)
        {
            return null;
        }

        SafeMappingHandle? mapping = null;
        try
        {
            mapping = Fill(file, image, options, fill);
            string path = replace ? OwnPath(name) : name.Path;
            if (!file.TryLink(path))
            {
                return null;
            }

            if (replace)
            {
                RenameOver(file, path);
            }

            Segment segment = new(file, mapping, image.Length, SegmentAccess.ReadWrite);
            (file, mapping) = (null, null);
            return segment;
        }
        finally
        {
            mapping?.Dispose();
            file?.Dispose();
        }
    }

    // For file systems without O_TMPFILE, and for systems that can give an unnamed file no name.
    private static Segment PublishNamed(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, bool replace)
    {
        string own = OwnPath(name);
        SegmentFile? file = SegmentFile.CreateNamed(name, own);
        SafeMappingHandle? mapping = null;
        try
        {
            mapping = Fill(file, image, options, fill);
            if (replace)
            {
                file.RenameOver(own);
            }
            else
            {
                file.RenameNew(own);
            }

            Segment segment = new(file, mapping, image.Length, SegmentAccess.ReadWrite);
            (file, mapping) = (null, null);
            return segment;
        }
        finally
        {
            if (file is not null)
            {
                _ = Interop.Unlink(own);
                mapping?.Dispose();
                file.Dispose();
            }
        }
    }

    private static void RenameOver(SegmentFile file, string own)
    {
        try
        {
            file.RenameOver(own);
        }
        catch
        {
            _ = Interop.Unlink(own);
            throw;
        }
    }

    // All that can fail comes before the publication, the mapping included.
    private static SafeMappingHandle Fill(SegmentFile file, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
    {
        file.SetLength(image.Length, options.Reserve);
        file.Write(image.Head, 0);
        file.Write(image.Tail, image.Length - image.Tail.Length);
        file.SetPermissions(options.Mode);
        file.MarkInUse();
        SafeMappingHandle mapping = file.Map(image.Length, SegmentAccess.ReadWrite);
        try
        {
            Advise(mapping, image.Length, options);
            fill?.Invoke(mapping.DangerousGetHandle());
            return mapping;
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    // Advice: where the kernel does not know it, or the mount has no huge pages, the memory is as good.
    private static void Advise(SafeMappingHandle mapping, long length, SegmentOptions options)
    {
        if (options.HugePages)
        {
            _ = Interop.MAdvise(mapping, (ulong)length, Interop.MemoryAdvice.ADVICE_HUGE_PAGES);
        }

        if (options.Populate)
        {
            _ = Interop.MAdvise(mapping, (ulong)length, Interop.MemoryAdvice.ADVICE_POPULATE_WRITE);
        }
    }
}
