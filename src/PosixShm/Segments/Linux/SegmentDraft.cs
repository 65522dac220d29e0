using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A new segment that is not published yet. Disposing it leaves nothing behind, unless it was published.</summary>
/// <param name="file">The new file, which the draft owns.</param>
/// <param name="path">The name of the file, which is not the array's name unless no other is permitted; null if it has none.</param>
internal sealed class SegmentDraft(SegmentFile file, string? path = null) : IDisposable
{
    private string? _path = path;
    private Mapping? _mapping;
    private Segment? _segment;
    private bool _isPublished;

    public SegmentFile File => file;

    /// <summary>Does everything that can fail except the publication, the mapping included.</summary>
    public void Complete(SegmentImage image, SegmentOptions options, SegmentFiller? fill, Replacement? old)
    {
        Mapping mapping = Reserve(image.Length, image.Extent.Mapped, options);
        file.Write(image.Head, 0);
        file.Write(image.Page, image.PageOffset);
        file.Write(image.Tail, image.Length - image.Tail.Length);
        if (old is null)
        {
            file.SetPermissions(options.Mode);
        }
        else
        {
            file.TakePermissionsOf(old.Old);
        }

        file.MarkInUse();
        _segment = new Segment(file, mapping, image.Extent, SegmentAccess.ReadWrite);
        fill?.Invoke(_segment);
        if (_segment.IsLost)
        {
            // The file is sparse, and there was no space for all of the elements.
            throw SegmentError.NoSpace(file.Name, image.Length);
        }
    }

    /// <summary>Gives the file its name, if that is free. Null where the system refuses that.</summary>
    public Segment? TryPublish(Refusals refusals)
    {
        bool isNamed = _path is null ? file.TryLink(file.Name.Path, refusals) : file.TryRenameNew(_path, refusals);
        return isNamed ? Publish() : null;
    }

    /// <summary>Gives the file its name, in place of another file. Null where the system refuses that.</summary>
    public Segment? TryReplace(Replacement old, Refusals refusals)
    {
        if (_path is null)
        {
            // A link never replaces a file. A rename does, but needs a path.
            string path = file.Name.MakeOwnPath();
            if (!file.TryLink(path, refusals))
            {
                return null;
            }

            _path = path;
        }

        file.RenameOver(_path, old.Replaced);
        return Publish();
    }

    /// <summary>Ends the draft: the segment belongs to the caller.</summary>
    public Segment Publish()
    {
        _isPublished = true;
        return _segment!;
    }

    public void Dispose()
    {
        if (_isPublished)
        {
            return;
        }

        if (_segment is null)
        {
            _mapping?.Dispose();
            file.Dispose();
        }
        else
        {
            _segment.Release();
        }

        if (_path is not null)
        {
            _ = Interop.Unlink(_path);
        }
    }

    // Huge pages are allocated through a mapping, so the mapping of a large segment in memory comes before its pages.
    private Mapping Reserve(long length, long mapped, SegmentOptions options)
    {
        bool isLarge = options.Reserve && length >= SegmentFile.HugePage && file.CheckFit(length);
        file.SetLength(length, options.Reserve && !isLarge);
        _mapping = file.Map(mapped, SegmentAccess.ReadWrite);
        if (options.HugePages)
        {
            _ = Interop.MAdvise(_mapping.Address, (ulong)length, Interop.MemoryAdvice.ADVICE_HUGE_PAGES);
        }

        if (isLarge)
        {
            file.ReserveLarge(_mapping, length, options.HugePages);
        }

        if (options.Populate)
        {
            file.Populate(_mapping, length, isReserved: options.Reserve);
        }

        return _mapping;
    }
}
