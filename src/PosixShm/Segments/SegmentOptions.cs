namespace PosixShm.Segments;

/// <summary>How a segment is created.</summary>
/// <param name="Mode">Its permission bits, exactly.</param>
/// <param name="Reserve">Whether its space is taken at once.</param>
/// <param name="HugePages">Whether huge pages are asked for.</param>
/// <param name="Populate">Whether its pages are mapped at once.</param>
internal readonly record struct SegmentOptions(UnixFileMode Mode, bool Reserve, bool HugePages, bool Populate);

/// <summary>Writes a new segment's content, before any other process can see it.</summary>
internal delegate void SegmentFiller(Segment segment);
