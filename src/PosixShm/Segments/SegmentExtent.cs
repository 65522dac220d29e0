namespace PosixShm.Segments;

/// <summary>The part of a segment's file that is used, in bytes.</summary>
/// <param name="End">The bytes that the file must have, from the offset. If it is shorter, memory is lost.</param>
/// <param name="Mapped">The bytes that are mapped. Bytes beyond the end of the file are not touched before it grows.</param>
/// <param name="Offset">The offset in the file of the first byte that is mapped, a multiple of the page size.</param>
internal readonly record struct SegmentExtent(long End, long Mapped, long Offset = 0)
{
    /// <summary>Gets the size that the file must have.</summary>
    public long FileEnd => Offset + End;
}
