using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>
/// Makes new segments, each of which is absent or complete, never in between, at whatever moment its creator dies: the file has no name
/// until all is written; see <c>O_TMPFILE</c> in <c>open(2)</c>.
/// </summary>
internal static unsafe class SegmentCreation
{
    /// <summary>Creates a segment, if the name is free.</summary>
    public static Segment Create(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
    {
        // So that a full folder does not hide it: asked before much space is taken, and else only if it failed, as few names are taken.
        // The last word is the publication's.
        bool takesSpace = options.Reserve || options.Populate || fill is not null;
        if (takesSpace && SegmentFolder.Has(name))
        {
            throw SegmentError.Taken(name);
        }

        try
        {
            return Publish(name, image, options, fill, openReplaced: null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException && !takesSpace && SegmentFolder.Has(name))
        {
            throw SegmentError.Taken(name);
        }
    }

    /// <summary>Creates a segment in place of the one that has the name; whoever has that one attached keeps it.</summary>
    /// <param name="name">The name.</param>
    /// <param name="image">The first and last bytes.</param>
    /// <param name="options">How it is created.</param>
    /// <param name="fill">Writes the content.</param>
    /// <param name="openReplaced">Opens the file that is replaced, by its path, and returns what is to be done once it is.</param>
    public static Segment Replace(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Func<string, Action?> openReplaced)
        => Publish(name, image, options, fill, openReplaced);

    /// <summary>Creates a segment without a name, whose size nobody can change.</summary>
    public static Segment CreateAnonymous(string label, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
        => TryComplete(SegmentFile.CreateAnonymous(label), image, options, fill, Seal)!;

    private static bool Seal(SegmentFile file)
    {
        file.SealSize();
        return true;
    }

    private static Segment Publish(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Func<string, Action?>? openReplaced)
    {
        // A name of its own, for the moment before a replacement and for file systems that can do no better.
        string? own = openReplaced is not null ? OwnPath(name) : null;
        try
        {
            Segment? segment = SegmentFile.CreateUnnamed(name) is SegmentFile unnamed
                ? TryComplete(unnamed, image, options, fill, file => TryLink(file, own, openReplaced))
                : null;
            if (segment is not null)
            {
                return segment;
            }

            // The file system has no O_TMPFILE, or the system no way to give an unnamed file a name.
            own ??= OwnPath(name);
            return TryComplete(SegmentFile.CreateNamed(name, own), image, options, fill, file => Rename(file, own, openReplaced))!;
        }
        catch when (own is not null)
        {
            _ = Interop.Unlink(own);
            throw;
        }
    }

    private static string OwnPath(SegmentName name) => $"{name.Folder}/.posixshm-{Guid.NewGuid():N}";

    private static bool TryLink(SegmentFile file, string? own, Func<string, Action?>? openReplaced)
        => own is null ? file.TryLink(file.Name.Path) : file.TryLink(own) && Rename(file, own, openReplaced);

    private static bool Rename(SegmentFile file, string own, Func<string, Action?>? openReplaced)
    {
        if (openReplaced is not null)
        {
            file.RenameOver(own, openReplaced);
        }
        else
        {
            file.RenameNew(own);
        }

        return true;
    }

    // All that can fail comes before the publication, the mapping included. Null if there is no such way to publish; then nothing is left.
    private static Segment? TryComplete(SegmentFile file, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Func<SegmentFile, bool> publish)
    {
        SafeMappingHandle? mapping = null;
        bool isPublished = false;
        try
        {
            mapping = Reserve(file, image.Length, options);
            file.Write(image.Head, 0);
            file.Write(image.Tail, image.Length - image.Tail.Length);
            file.SetPermissions(options.Mode);
            file.MarkInUse();
            fill?.Invoke(mapping.DangerousGetHandle());
            if (*mapping.Lost != 0)
            {
                // A sparse segment that was filled further than there was space.
                throw SegmentError.NoSpace(file.Name, image.Length);
            }

            isPublished = publish(file);
            return isPublished ? new Segment(file, mapping, image.Length, SegmentAccess.ReadWrite) : null;
        }
        finally
        {
            if (!isPublished)
            {
                mapping?.Dispose();
                file.Dispose();
            }
        }
    }

    // Advice is that: where the kernel does not know it, or the mount has no huge pages, the memory is as good.
    private static SafeMappingHandle Reserve(SegmentFile file, long length, SegmentOptions options)
    {
        // Whoever reserves by the file gets small pages: only pages that are taken through a mapping can be large. A disk's blocks are the file's.
        bool reservesMapped = options.Reserve && options.HugePages && file.Name.Kind != SegmentKind.File;
        file.SetLength(length, options.Reserve && !reservesMapped);
        SafeMappingHandle mapping = file.Map(length, SegmentAccess.ReadWrite);
        try
        {
            if (options.HugePages)
            {
                _ = Interop.MAdvise(mapping.DangerousGetHandle(), (ulong)length, Interop.MemoryAdvice.ADVICE_HUGE_PAGES);
            }

            if (reservesMapped && !SegmentSpace.TryReserve(mapping, file.Name, length))
            {
                file.SetLength(length, reserve: true);
            }
            else if (options.Populate && !reservesMapped)
            {
                SegmentSpace.Populate(mapping, file.Name, length);
            }

            return mapping;
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }
}
