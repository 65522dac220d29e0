namespace PosixShm.Segments;

/// <summary>The first bytes of a new segment: given bytes at three places, zeros elsewhere.</summary>
/// <param name="Extent">The part of the file that is used and mapped.</param>
/// <param name="Length">The file's size in bytes.</param>
/// <param name="Head">The bytes at offset 0.</param>
/// <param name="PageOffset">The offset of <paramref name="Page"/>.</param>
/// <param name="Page">The bytes between the others.</param>
/// <param name="Tail">The last bytes.</param>
internal readonly record struct SegmentImage(
    SegmentExtent Extent, long Length, byte[] Head, long PageOffset, byte[] Page, byte[] Tail);
