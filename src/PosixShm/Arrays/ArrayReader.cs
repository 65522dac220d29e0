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
    public static ArrayHeader? TryRead(SegmentName name, SegmentProbe probe, out string problem)
    {
        if (ArrayHeader.HeadNeeded(probe.Head) > probe.Head.Length && probe.Head.Length == FirstRead)
        {
            return TryReadLong(name, out problem);
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

    private static ArrayHeader? TryReadLong(SegmentName name, out string problem)
    {
        try
        {
            using SegmentFile file = SegmentFile.Open(name, SegmentAccess.ReadOnly, SegmentTrust.Anybody, out Native.Interop.Status status);
            problem = string.Empty;
            return Read(name, file.Read, status.Size);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            problem = error.Message;
            return null;
        }
    }
}
