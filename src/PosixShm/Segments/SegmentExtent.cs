namespace PosixShm.Segments;

/// <summary>What of a segment's file is used, in bytes from its start.</summary>
/// <param name="End">The bytes that the file must have: of a shorter one, memory is lost.</param>
/// <param name="Mapped">The bytes that are mapped. They may be more than the file has, and those are not touched before it has grown.</param>
internal readonly record struct SegmentExtent(long End, long Mapped);
