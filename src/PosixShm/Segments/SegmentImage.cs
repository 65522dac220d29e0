namespace PosixShm.Segments;

/// <summary>The bytes that a new segment starts with: given ones at both ends, zeros between.</summary>
internal readonly ref struct SegmentImage(long length, ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
{
    /// <summary>Gets the segment's length in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>Gets the bytes at offset 0.</summary>
    public ReadOnlySpan<byte> Head { get; } = head;

    /// <summary>Gets the last bytes.</summary>
    public ReadOnlySpan<byte> Tail { get; } = tail;
}
