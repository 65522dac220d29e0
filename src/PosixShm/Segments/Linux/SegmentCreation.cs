using System.Diagnostics.CodeAnalysis;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>
/// Makes new segments, each of which is absent or complete, never in between, at whatever moment its creator dies: the file has no name
/// until all is written; see <c>O_TMPFILE</c> in <c>open(2)</c>.
/// </summary>
internal static class SegmentCreation
{
    // The bytes of a description that make an incomplete one known, and those that say its version, which is last.
    private const int MagicLength = 6;
    private const int VersionEnd = 8;

    // Takes longer than a look at the name, by far.
    private const long MuchSpace = 4 << 20;

    /// <summary>Creates a segment, if the name is free.</summary>
    public static Segment Create(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
    {
        // So that a full folder does not hide it: asked before much space is taken, and else only if it failed, as few names are taken.
        // The last word is the publication's.
        bool takesSpace = fill is not null || ((options.Reserve || options.Populate) && image.Length > MuchSpace);
        if (takesSpace && SegmentDirectory.Has(name))
        {
            throw SegmentError.Taken(name);
        }

        try
        {
            return Publish(name, image, options, fill, old: null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException && !takesSpace && SegmentDirectory.Has(name))
        {
            throw SegmentError.Taken(name);
        }
    }

    /// <summary>Creates a segment in place of an old one, with the owner, group and permissions of that; whoever has that one attached keeps it.</summary>
    public static Segment Replace(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Replacement replacement)
        => Publish(name, image, options, fill, replacement);

    /// <summary>Creates a segment without a name, whose size nobody can change.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "TryComplete owns the file that it gets.")]
    public static Segment CreateAnonymous(string label, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
        => TryComplete(SegmentFile.CreateAnonymous(label), image, options, fill, old: null, Seal)!;

    private static bool Seal(SegmentFile file)
    {
        file.SealSize();
        return true;
    }

    // The first way that the system does not refuse; docs/ARCHITECTURE.md, "Creating an array".
    [SuppressMessage("Reliability", "CA2000", Justification = "TryComplete owns the file that it gets.")]
    private static Segment Publish(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Replacement? old)
    {
        Refusals refusals = new();
        string? own = null;
        bool isOwnUsed = false;
        try
        {
            Segment? segment = TryComplete(SegmentFile.TryCreateUnnamed(name, refusals), image, options, fill, old, TryLink);
            if (segment is null)
            {
                SegmentFile? named = SegmentFile.TryCreateNamed(name, refusals, own ??= name.MakeOwnPath());
                isOwnUsed |= named is not null;
                segment = TryComplete(named, image, options, fill, old, TryRename);
            }

            return segment ?? (old is null ? TryCreateInPlace(name, image, options, fill, refusals) : null) ?? throw refusals.First(name);
        }
        finally
        {
            // After a rename there is nothing under that path.
            if (isOwnUsed)
            {
                _ = Interop.Unlink(own!);
            }
        }

        bool TryLink(SegmentFile file)
        {
            if (old is null)
            {
                return file.TryLink(name.Path, refusals);
            }

            isOwnUsed = file.TryLink(own = name.MakeOwnPath(), refusals);
            return isOwnUsed && TryRename(file);
        }

        bool TryRename(SegmentFile file)
        {
            if (old is null)
            {
                return file.TryRenameNew(own!, refusals);
            }

            file.RenameOver(own!, old.Replaced);
            isOwnUsed = false;
            return true;
        }
    }

    // Under its name from the start, where nothing else is allowed. Readers refuse it until the bytes that describe it are written, which is last.
    [SuppressMessage("Reliability", "CA2000", Justification = "The finally block disposes the file, or TryComplete has given it to the segment.")]
    private static Segment? TryCreateInPlace(
        SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Refusals refusals)
    {
        SegmentFile? file = SegmentFile.TryCreateNamed(name, refusals);
        Segment? segment = null;
        bool isComplete = false;
        try
        {
            file?.SetLength(image.Length, reserve: false);

            // A magic without a version, or a page without a description, as a killed creator leaves it, is known as an incomplete array.
            file?.Write(image.Head[..Math.Min(MagicLength, image.Head.Length)], 0);
            file?.Write(image.Page, image.PageOffset);
            SegmentImage undescribed = new(image.Extent, image.Length, [], 0, [], []);
            segment = TryComplete(file, undescribed, options, fill, old: null, static _ => true);
            file?.Write(image.Tail, image.Length - image.Tail.Length);
            if (image.Head.Length > VersionEnd)
            {
                file?.Write(image.Head[VersionEnd..], VersionEnd);
                file?.Write(image.Head[MagicLength..VersionEnd], MagicLength);
            }

            isComplete = true;
            return segment;
        }
        finally
        {
            if (!isComplete && file is not null)
            {
                segment?.Release();
                file.Dispose();
                _ = SegmentDirectory.Unlink(name);
            }
        }
    }

    // All that can fail comes before the publication, the mapping included. Null if there is no such way to publish; then nothing is left.
    [SuppressMessage("Reliability", "CA2000", Justification = "The finally block disposes the mapping, or the segment owns it.")]
    private static Segment? TryComplete(
        SegmentFile? file, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Replacement? old, Func<SegmentFile, bool> publish)
    {
        if (file is null)
        {
            return null;
        }

        Mapping? mapping = null;
        Segment? segment = null;
        bool isPublished = false;
        try
        {
            mapping = Reserve(file, image.Length, image.Extent.Mapped, options);
            file.Write(image.Head, 0);
            file.Write(image.Page, image.PageOffset);
            file.Write(image.Tail, image.Length - image.Tail.Length);
            SetPermissions(file, options, old);
            file.MarkInUse();
            segment = new Segment(file, mapping, image.Extent, SegmentAccess.ReadWrite);
            fill?.Invoke(segment);
            if (segment.IsLost)
            {
                // A sparse segment that was filled further than there was space.
                throw SegmentError.NoSpace(file.Name, image.Length);
            }

            isPublished = publish(file);
            return isPublished ? segment : null;
        }
        finally
        {
            if (!isPublished && segment is not null)
            {
                segment.Release();
            }
            else if (!isPublished)
            {
                mapping?.Dispose();
                file.Dispose();
            }
        }
    }

    private static void SetPermissions(SegmentFile file, SegmentOptions options, Replacement? old)
    {
        if (old is null)
        {
            file.SetPermissions(options.Mode);
        }
        else
        {
            file.TakePermissionsOf(old.Old);
        }
    }

    // Huge pages are allocated through a mapping, so the mapping of a large segment in memory comes before its pages.
    private static Mapping Reserve(SegmentFile file, long length, long mapped, SegmentOptions options)
    {
        bool isLarge = options.Reserve && length >= SegmentSpace.HugePage && SegmentSpace.CheckFit(file.Name, length);
        file.SetLength(length, options.Reserve && !isLarge);
        Mapping mapping = file.Map(mapped, SegmentAccess.ReadWrite);
        try
        {
            if (options.HugePages)
            {
                _ = Interop.MAdvise(mapping.Address, (ulong)length, Interop.MemoryAdvice.ADVICE_HUGE_PAGES);
            }

            if (isLarge)
            {
                file.ReserveLarge(mapping, length, options.HugePages);
            }

            if (options.Populate)
            {
                SegmentSpace.Populate(mapping, file.Name, length, isReserved: options.Reserve);
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

/// <summary>What a new segment takes the place of.</summary>
/// <param name="Old">The file whose owner, group and permissions the new one gets.</param>
/// <param name="Replaced">Called with the file that was replaced: another one, if a third process was faster.</param>
internal sealed record Replacement(SegmentFile Old, Action<SegmentFile> Replaced);
