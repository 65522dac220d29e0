using System.Runtime.CompilerServices;
using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>Reads the bytes that the reader of the format needs: each byte once, into private memory.</summary>
internal static class ArrayReader
{
    /// <summary>The longest header that a listing reads, in bytes. A parsed description may take hundreds of times its length in memory,
    /// and any user can create many files. All headers of version 1 are shorter.</summary>
    public const int LongestListed = 1 << 16;

    // Every header fits, except those of large structured types.
    private const int FirstRead = Native.Interop.ProbeHead;

    /// <summary>Reads the header of an open segment.</summary>
    /// <exception cref="InvalidDataException">The segment is not an array, or is a damaged one.</exception>
    [SkipLocalsInit] // Only bytes that were read are used.
    public static ArrayHeader Read(SegmentName name, IByteSource source, long size)
    {
        Span<byte> head = stackalloc byte[FirstRead];
        head = head[..source.Read(head[..(int)Math.Min(size, FirstRead)], 0)];
        return TryRead(source, head, size, int.MaxValue, out string problem) ?? throw Unreadable(name, problem);
    }

    /// <summary>Reads the header of an open segment whose first bytes are known.</summary>
    /// <exception cref="InvalidDataException">The segment is not an array, or is a damaged one.</exception>
    public static ArrayHeader Read(SegmentName name, SegmentFile file, in Native.Interop.Probe probe)
        => TryRead(file, probe.FirstBytes, probe.Status.Size, int.MaxValue, out string problem) ?? throw Unreadable(name, problem);

    /// <summary>Reads the header of an open segment whose first bytes are known. Returns null and the reason if the segment has no valid
    /// header.</summary>
    /// <param name="source">The segment.</param>
    /// <param name="head">Its first bytes.</param>
    /// <param name="size">Its size.</param>
    /// <param name="longest">The longest header that is read, in bytes.</param>
    /// <param name="problem">The reason.</param>
    public static ArrayHeader? TryRead(IByteSource source, ReadOnlySpan<byte> head, long size, int longest, out string problem)
    {
        ArrayHeader? usual = ArrayHeader.TryReadUsual(head, size, out problem);
        if (usual is null && head.Length < size && ArrayHeader.HeadLength(head) is int needed && needed > head.Length)
        {
            if (needed > longest)
            {
                problem = "its header is too long for a list";
                return null;
            }

            byte[] whole = new byte[Math.Min(needed, size)];
            head = whole.AsSpan(0, source.Read(whole, 0));
            usual = ArrayHeader.TryReadUsual(head, size, out problem);
        }

        return usual ?? TryReadBothEnds(source, head, size, out problem);
    }

    /// <summary>Returns the place of an array's control page. False if the file has no room for it, or no description.</summary>
    [SkipLocalsInit] // Only the bytes that were read are used.
    public static bool TryFindPage(IByteSource source, ArrayHeader header, long size, out PagePlace place)
    {
        place = new PagePlace(header.DataEnd, LocksBehind: 0);

        // An offset after the elements of a sparse file could overflow. No process can map such an array.
        if (header.Format is not FileFormat format || header.DataEnd > NewArray.MaxBytes)
        {
            return false;
        }

        // The page precedes a description at the end of the file.
        long room = size - format.TailLength;
        if (!format.CanGrow && place.PageEnd > room)
        {
            return false;
        }

        if (room > place.PageEnd)
        {
            Span<byte> page = stackalloc byte[ControlPage.FeaturesOffset];
            page = page[..source.Read(page, place.Offset)];
            place = place with { LocksBehind = ControlPage.LocksBehind(page, room - place.PageEnd) };
        }

        return true;
    }

    /// <summary>Creates the exception for a segment without a valid header.</summary>
    public static InvalidDataException Unreadable(SegmentName name, string problem)
        => new($"'{name}' cannot be used as an array: {problem}.");

    /// <summary>Returns whether a segment is an array: a complete, damaged or incomplete one, whose creator was killed.</summary>
    [SkipLocalsInit] // Only bytes that were read are used.
    public static bool IsRecognised(IByteSource source, ReadOnlySpan<byte> head, long size)
    {
        if (ArrayHeader.IsRecognised(head, tail: []))
        {
            return true;
        }

        Span<byte> tail = ReadTail(source, stackalloc byte[FileFormat.MaxTailLength], size);
        bool isArray = ArrayHeader.IsRecognised(head, tail);
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        foreach (FileFormat format in FileFormat.All)
        {
            // A creator that was killed before it wrote the description at the end leaves the page before it.
            long page = size - format.TailLength - ControlPage.Size;
            isArray = isArray
                || (!format.CanGrow && page >= 0 && page % Pages.Size == 0 && ControlPage.HasWord(word[..source.Read(word, page)]));
        }

        return isArray;
    }

    [SkipLocalsInit] // Only bytes that were read are used.
    private static ArrayHeader? TryReadBothEnds(IByteSource source, ReadOnlySpan<byte> head, long size, out string problem)
    {
        ReadOnlySpan<byte> tail = ReadTail(source, stackalloc byte[FileFormat.MaxTailLength], size);
        if (tail.Length < Math.Min(size, FileFormat.MaxTailLength))
        {
            problem = "it was truncated while it was read";
            return null;
        }

        return ArrayHeader.TryRead(head, tail, size, out problem);
    }

    private static Span<byte> ReadTail(IByteSource source, Span<byte> buffer, long size)
    {
        Span<byte> tail = buffer[..(int)Math.Min(size, buffer.Length)];
        return tail[..source.Read(tail, size - tail.Length)];
    }
}
