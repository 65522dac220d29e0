using System.Runtime.CompilerServices;
using PosixShm.Format;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>Brings the bytes of a segment to the format's reader: each byte once, into private memory.</summary>
internal static class ArrayReader
{
    /// <summary>The longest header that a listing reads. A description may take hundreds of times its length in memory, and any user can plant many.
    /// All headers of version 1 are shorter.</summary>
    public const int LongestListed = 1 << 16;

    // Enough for every header but those of large structured types.
    private const int FirstRead = Native.Interop.ProbeHead;

    // Fewer last bytes than the file has: they would be taken for others.
    private const string Truncated = "it was truncated while it was read";

    /// <summary>Reads the header of an open segment.</summary>
    /// <exception cref="InvalidDataException">It is not an array, or damaged.</exception>
    [SkipLocalsInit] // What is looked at is what was read.
    public static ArrayHeader Read<TSource>(SegmentName name, TSource source, long size)
        where TSource : IByteSource
    {
        Span<byte> head = stackalloc byte[FirstRead];
        head = head[..source.Read(head[..(int)Math.Min(size, FirstRead)], 0)];
        return TryRead(source, head, size, int.MaxValue, out string problem) ?? throw Unreadable(name, problem);
    }

    /// <summary>Reads the header of an open segment whose first bytes are known; null, with the reason, if it has none.</summary>
    /// <param name="source">The segment.</param>
    /// <param name="head">Its first bytes.</param>
    /// <param name="size">Its size.</param>
    /// <param name="longest">The most bytes of a header that are read.</param>
    /// <param name="problem">The reason.</param>
    public static ArrayHeader? TryRead<TSource>(TSource source, ReadOnlySpan<byte> head, long size, int longest, out string problem)
        where TSource : IByteSource
    {
        int needed = ArrayHeader.HeadNeeded(head);
        if (needed > head.Length && head.Length < size)
        {
            problem = "its header is too long for a list";
            if (needed > longest)
            {
                return null;
            }

            byte[] whole = new byte[Math.Min(needed, size)];
            head = whole.AsSpan(0, source.Read(whole, 0));
        }

        return ArrayHeader.TryReadNpy(head, size, out problem) is ArrayHeader npy && npy.End == size
            ? npy
            : TryReadBothEnds(source, head, size, out problem);
    }

    /// <summary>Gives the place of an array's control page; null if there is no room for one, or the array has no description of its own.</summary>
    [SkipLocalsInit] // What is looked at is what was read.
    public static PagePlace? FindPage<TSource>(TSource source, ArrayHeader header, long size)
        where TSource : IByteSource
    {
        // In the SharedArray layout, the page has the room before the trailer.
        PagePlace place = new(header.DataEnd, LocksBehind: 0);
        long room = header.Format == HeaderFormat.Npy ? size : size - ArrayHeader.TailNeeded;
        if (header.Format == HeaderFormat.Raw || (header.Format == HeaderFormat.SharedArray && place.PageEnd > room))
        {
            return null;
        }

        if (room <= place.PageEnd)
        {
            return place;
        }

        Span<byte> page = stackalloc byte[ControlPage.FeaturesOffset];
        page = page[..source.Read(page, place.Offset)];
        return place with { LocksBehind = ControlPage.LocksBehind(page, room - place.PageEnd) };
    }

    /// <summary>Makes the exception for a segment without a good header.</summary>
    public static InvalidDataException Unreadable(SegmentName name, string problem)
        => new($"'{name}' cannot be used as an array: {problem}.");

    /// <summary>Tells whether a segment is an array, whole or damaged, or one whose creator was killed before it was whole.</summary>
    [SkipLocalsInit] // What is looked at is what was read.
    public static bool IsRecognised<TSource>(TSource source, ReadOnlySpan<byte> head, long size)
        where TSource : IByteSource
    {
        const int WordLength = sizeof(ulong);
        Span<byte> tail = ReadTail(source, stackalloc byte[ArrayHeader.TailNeeded], size);
        Span<byte> word = stackalloc byte[WordLength];
        long page = size - ArrayHeader.TailNeeded - ControlPage.Size;
        return ArrayHeader.IsRecognised(head, tail)
            || (page >= 0 && page % Pages.Size == 0 && ControlPage.HasWord(word[..source.Read(word, page)]));
    }

    [SkipLocalsInit] // What is looked at is what was read.
    private static ArrayHeader? TryReadBothEnds<TSource>(TSource source, ReadOnlySpan<byte> head, long size, out string problem)
        where TSource : IByteSource
    {
        int wanted = (int)Math.Min(size, ArrayHeader.TailNeeded);
        ReadOnlySpan<byte> tail = ReadTail(source, stackalloc byte[ArrayHeader.TailNeeded], size);
        if (tail.Length < wanted)
        {
            problem = Truncated;
            return null;
        }

        return ArrayHeader.TryRead(head, tail, size, out problem);
    }

    private static Span<byte> ReadTail<TSource>(TSource source, Span<byte> buffer, long size)
        where TSource : IByteSource
    {
        Span<byte> tail = buffer[..(int)Math.Min(size, buffer.Length)];
        return tail[..source.Read(tail, size - tail.Length)];
    }
}
