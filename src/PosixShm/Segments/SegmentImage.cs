namespace PosixShm.Segments;

/// <summary>The first bytes of a new segment: given bytes at three places, zeros elsewhere.</summary>
internal readonly ref struct SegmentImage(
    SegmentExtent extent, long length, ReadOnlySpan<byte> head, long pageOffset, ReadOnlySpan<byte> page, ReadOnlySpan<byte> tail)
{
    /// <summary>Gets the part of the file that is used and mapped.</summary>
    public SegmentExtent Extent { get; } = extent;

    /// <summary>Gets the file's size in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>Gets the bytes at offset 0.</summary>
    public ReadOnlySpan<byte> Head { get; } = head;

    /// <summary>Gets the bytes between them.</summary>
    public ReadOnlySpan<byte> Page { get; } = page;

    /// <summary>Gets the offset of those bytes.</summary>
    public long PageOffset { get; } = pageOffset;

    /// <summary>Gets the last bytes.</summary>
    public ReadOnlySpan<byte> Tail { get; } = tail;
}
