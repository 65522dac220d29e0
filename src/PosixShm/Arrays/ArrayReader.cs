using System.Runtime.CompilerServices;
using PosixShm.Format;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>Brings the bytes of a segment to the format's reader.</summary>
internal static class ArrayReader
{
    // Enough for every header but those of large structured types.
    private const int FirstRead = Pages.Size;

    // The longest header that a listing reads. A description may take hundreds of times its length in memory, and any user can plant many.
    // All headers of version 1 are shorter.
    private const int LongestListed = 1 << 16;

    // Fewer last bytes than the file has: they would be taken for others.
    private const string Truncated = "it was truncated while it was read";

    /// <summary>Reads bytes of an open segment; returns how many there were.</summary>
    public delegate int Source(Span<byte> buffer, long offset);

    /// <summary>Reads the header of an open segment: each byte once, into private memory.</summary>
    /// <exception cref="InvalidDataException">It is not an array, or damaged.</exception>
    [SkipLocalsInit] // What is looked at is what was read.
    public static ArrayHeader Read(SegmentName name, Source read, long size)
    {
        Span<byte> head = stackalloc byte[FirstRead];
        head = head[..read(head[..(int)Math.Min(size, head.Length)], 0)];
        int needed = ArrayHeader.HeadNeeded(head);
        if (needed > head.Length && head.Length == FirstRead && needed <= size)
        {
            Span<byte> whole = new byte[needed];
            head.CopyTo(whole);
            head = whole[..(FirstRead + read(whole[FirstRead..], FirstRead))];
        }

        Span<byte> tail = stackalloc byte[ArrayHeader.TailNeeded(size)];
        if (read(tail, size - tail.Length) < tail.Length)
        {
            throw Unreadable(name, Truncated);
        }

        return ArrayHeader.TryRead(head, tail, size, out string problem) ?? throw Unreadable(name, problem);
    }

    /// <summary>Reads the header of a segment that was probed; null, with the reason, if it has none.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="probe">Its first and last bytes.</param>
    /// <param name="isListed">Whether it is one of many: then a very long header is not read.</param>
    /// <param name="problem">The reason.</param>
    public static ArrayHeader? TryRead(SegmentName name, SegmentProbe probe, bool isListed, out string problem)
    {
        int needed = ArrayHeader.HeadNeeded(probe.Head);
        if (needed > probe.Head.Length && probe.Head.Length == FirstRead)
        {
            problem = "its header is too long for a list";
            return isListed && needed > LongestListed + FirstRead ? null : TryReadLong(name, isListed, out problem);
        }

        if (probe.Tail.Length < ArrayHeader.TailNeeded(probe.Status.Size))
        {
            problem = Truncated;
            return null;
        }

        return ArrayHeader.TryRead(probe.Head, probe.Tail, probe.Status.Size, out problem);
    }

    /// <summary>Makes the exception for a segment without a good header.</summary>
    public static InvalidDataException Unreadable(SegmentName name, string problem)
        => new($"'{name}' cannot be used as an array: {problem}.");

    private static ArrayHeader? TryReadLong(SegmentName name, bool isListed, out string problem)
    {
        try
        {
            using SegmentFile file = SegmentFile.OpenToRead(name, isListed ? default : Patience.ForOne);
            problem = string.Empty;
            return Read(name, file.Read, file.GetStatus().Size);
        }
        catch (Exception error) when (error is FileNotFoundException or UnauthorizedAccessException or InvalidDataException
            || (isListed && Native.Interop.ConvertErrno(error.HResult) == Native.Interop.Error.EAGAIN))
        {
            problem = error.Message;
            return null;
        }
    }
}
