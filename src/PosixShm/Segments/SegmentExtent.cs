namespace PosixShm.Segments;

/// <summary>The part of a segment's file that is used, in bytes.</summary>
/// <param name="End">The bytes that the file must have, from the first one that is mapped. If it is shorter, memory is lost.</param>
/// <param name="Mapped">The bytes that are mapped. Bytes beyond the end of the file are not touched before it grows.</param>
internal readonly record struct SegmentExtent(long End, long Mapped);
