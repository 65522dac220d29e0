namespace PosixShm.Segments;

/// <summary>The options of a creation.</summary>
/// <param name="Mode">The permission bits, exactly.</param>
/// <param name="Reserve">Whether to reserve the space at once.</param>
/// <param name="HugePages">Whether to request huge pages.</param>
/// <param name="Populate">Whether to map the pages at once.</param>
internal readonly record struct SegmentOptions(UnixFileMode Mode, bool Reserve, bool HugePages, bool Populate);

/// <summary>Writes a new segment's content, before any other process can see it.</summary>
internal delegate void SegmentFiller(Segment segment);
