using System.Diagnostics.CodeAnalysis;
using PosixShm.Names;

namespace PosixShm.Segments;

/// <summary>Creates segments, each of which is absent or complete at whatever moment its creator dies: the file has no name until all is
/// written; see <c>O_TMPFILE</c> in <c>open(2)</c>.</summary>
[SuppressMessage("Reliability", "CA2000", Justification = "A draft owns its file.")]
internal static class SegmentCreation
{
    // Part of the protocol: docs/FORMAT.md, "Creating an array", exclusive creation in place. The magic makes an incomplete array known as
    // one, and the version comes last.
    private const int MagicLength = 6;
    private const int VersionEnd = 8;

    // Reserving this much takes far longer than the query of a name.
    private const long MuchSpace = 4 << 20;

    /// <summary>Creates a segment, if the name is free.</summary>
    public static Segment Create(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
    {
        // Reports EEXIST rather than ENOSPC: checks before much space is reserved. Otherwise it checks only after a failure, which saves a
        // system call in the common case. The publication decides in the end.
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

    /// <summary>Creates a segment in place of an old one, with its owner, group and permissions. Mappings of the old one remain.</summary>
    public static Segment Replace(
        SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Replacement replacement)
        => Publish(name, image, options, fill, replacement);

    /// <summary>Creates a segment without a name, whose size is final.</summary>
    public static Segment CreateAnonymous(string label, SegmentImage image, SegmentOptions options, SegmentFiller? fill)
    {
        using SegmentDraft draft = new(SegmentFile.CreateAnonymous(label));
        draft.Complete(image, options, fill, old: null);
        draft.File.SealSize();
        return draft.Publish();
    }

    // Uses the first kind of file that the system does not refuse; docs/FORMAT.md, "Creating an array".
    private static Segment Publish(SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Replacement? old)
    {
        Refusals refusals = new();
        Segment? segment = TryPublish(SegmentFile.TryCreateUnnamed(name, refusals), path: null, refusals, image, options, fill, old);
        if (segment is null)
        {
            string path = name.MakeOwnPath();
            segment = TryPublish(SegmentFile.TryCreateNamed(name, refusals, path), path, refusals, image, options, fill, old);
        }

        return segment ?? (old is null ? TryCreateInPlace(name, image, options, fill, refusals) : null) ?? throw refusals.First(name);
    }

    private static Segment? TryPublish(
        SegmentFile? file, string? path, Refusals refusals, SegmentImage image, SegmentOptions options, SegmentFiller? fill,
        Replacement? old)
    {
        if (file is null)
        {
            return null;
        }

        using SegmentDraft draft = new(file, path);
        draft.Complete(image, options, fill, old);
        return old is null ? draft.TryPublish(refusals) : draft.TryReplace(old, refusals);
    }

    // Creates the file under its final name, where no other is permitted. Invariant: readers refuse the file until the bytes that describe
    // it are written. The creator keeps it, because it writes the version, or the trailer, last. A version that is written earlier breaks
    // it.
    private static Segment? TryCreateInPlace(
        SegmentName name, SegmentImage image, SegmentOptions options, SegmentFiller? fill, Refusals refusals)
    {
        if (SegmentFile.TryCreateNamed(name, refusals) is not SegmentFile file)
        {
            return null;
        }

        using SegmentDraft draft = new(file, name.Path);
        ReadOnlySpan<byte> head = image.Head;
        file.SetLength(image.Length, reserve: false);
        file.Write(head[..Math.Min(MagicLength, head.Length)], 0);
        file.Write(image.Page, image.PageOffset);
        draft.Complete(image with { Head = [], Page = [], Tail = [] }, options, fill, old: null);
        file.Write(image.Tail, image.Length - image.Tail.Length);
        if (head.Length > VersionEnd)
        {
            file.Write(head[VersionEnd..], VersionEnd);
            file.Write(head[MagicLength..VersionEnd], MagicLength);
        }

        return draft.Publish();
    }
}

/// <summary>The segment that a new one replaces.</summary>
/// <param name="Old">The file whose owner, group and permissions the new one gets.</param>
/// <param name="Replaced">Called with the file that was replaced. It is another one if a third process was faster.</param>
internal sealed record Replacement(SegmentFile Old, Action<SegmentFile> Replaced);
