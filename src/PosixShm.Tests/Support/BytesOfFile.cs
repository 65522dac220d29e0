using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm.Tests;

/// <summary>Bytes that stand for a file of some size, for the readers of the formats.</summary>
/// <param name="Bytes">The bytes. In a larger file, the second half is at the end, and zeros are between.</param>
/// <param name="Size">The size that the file had when it was opened.</param>
/// <param name="IsCut">Whether the file was truncated to the bytes afterwards.</param>
internal readonly record struct BytesOfFile(ReadOnlyMemory<byte> Bytes, long Size, bool IsCut = false) : IByteSource
{
    public static implicit operator BytesOfFile(byte[] file) => new(file, file.Length);

    public int Read(Span<byte> buffer, long offset)
    {
        bool isWhole = IsCut || Bytes.Length == Size;
        ReadOnlySpan<byte> bytes = Bytes.Span;
        int count = (int)Math.Max(0, Math.Min(buffer.Length, (IsCut ? Bytes.Length : Size) - offset));
        if (isWhole && count > 0)
        {
            bytes.Slice((int)offset, count).CopyTo(buffer);
            return count;
        }

        int half = bytes.Length / 2;
        for (int i = 0; i < count; i++)
        {
            long fromEnd = Size - offset - i;
            buffer[i] = offset + i < half ? bytes[(int)offset + i] : fromEnd <= bytes.Length - half ? bytes[^(int)fromEnd] : (byte)0;
        }

        return count;
    }

    /// <summary>Reads the header as the library does.</summary>
    public ArrayHeader? TryReadHeader(out string problem, int longest = int.MaxValue)
        => ArrayReader.TryRead(this, Head(), Size, longest, out problem);

    /// <summary>Returns whether the library takes the file for an array, whole or damaged.</summary>
    public bool IsRecognised() => ArrayReader.IsRecognised(this, Head(), Size);

    /// <summary>
    /// Reads the file as the library does. Returns whether it is an array. Throws if the answer is impossible: anything beyond the file, or
    /// a refusal without a reason.
    /// </summary>
    public bool ReadsSafely()
    {
        _ = IsRecognised();
        ArrayHeader? header = TryReadHeader(out string problem);
        if (header is null)
        {
            Hold(problem.Length > 0, "refused without a reason");
            return false;
        }

        Hold(header.DataOffset >= 0 && header.DataOffset <= Size, "elements beyond the file");
        Hold(header.DataLength >= 0 && header.DataLength <= Size - header.DataOffset, "elements that reach beyond the file");
        Hold(header.End >= header.DataEnd && header.End <= Size, "needs more than the file");
        Hold((Int128)header.Length * header.Type.Size == header.DataLength, "another length than the shape's");
        Hold(header.Shape.Length <= ShapeMath.MaxRank && header.Shape.All(static dimension => dimension >= 0), "no shape");
        if (FindPage(this, header, Size) is PagePlace place)
        {
            CheckPlace(header, place);
        }

        return true;
    }

    /// <summary>Returns the place of an array's control page, or null if it has no control page.</summary>
    public static PagePlace? FindPage(BytesOfFile file, ArrayHeader header, long size)
        => ArrayReader.TryFindPage(file, header, size, out PagePlace place) ? place : null;

    /// <summary>Throws if a condition does not hold.</summary>
    public static void Hold(bool isTrue, string otherwise)
    {
        if (!isTrue)
        {
            throw new InvalidDataException(otherwise);
        }
    }

    // The page is behind the elements and before the trailer. All its locks are in it, or behind it in the file.
    private void CheckPlace(ArrayHeader header, PagePlace place)
    {
        long room = header.Layout == ArrayLayout.PythonSharedArray ? Size - PythonSharedArrayFormat.TrailerLength : long.MaxValue;
        bool isNext = place.Offset % Pages.Size == 0 && place.Offset - place.End is >= 0 and < Pages.Size;
        Hold(place.End == header.DataEnd && isNext, "a page elsewhere");
        Hold(place.PageEnd == place.Offset + ControlPage.Size && place.PageEnd <= room, "a page beyond the file");
        long locksEnd = place.FirstLock + ((long)place.LockCount * ControlPage.LineSize);
        Hold(place.LockCount is > 0 and <= ControlPage.MaxLocks && locksEnd <= place.LocksEnd, "locks beyond the mapping");
        bool areInPage = place.FirstLock > place.Offset && locksEnd <= place.PageEnd;
        Hold(place.LocksBehind == 0 ? areInPage : place.FirstLock == place.PageEnd, "locks elsewhere");
        Hold(place.LocksBehind == 0 || locksEnd <= Math.Min(room, Size), "locks beyond the file");
    }

    private byte[] Head()
    {
        byte[] head = new byte[(int)Math.Min(Size, Native.Interop.ProbeHead)];
        return head[..Read(head, 0)];
    }
}
