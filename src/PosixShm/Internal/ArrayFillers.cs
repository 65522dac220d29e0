using PosixShm.Arrays;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Creates the fillers of new arrays.</summary>
internal static unsafe class ArrayFillers
{
    /// <summary>Creates the filler that sets all elements to one value.</summary>
    public static ArrayFiller Fill(byte[] element) => array =>
    {
        fixed (byte* bytes = element)
        {
            _ = ParallelMemory.Fill((void*)array.Data, array.Header.Length, bytes, element.Length);
        }
    };

    /// <summary>Creates the filler that copies bytes from an address.</summary>
    public static ArrayFiller Copy(nint source, long bytes) => array =>
    {
        // If the new array's own memory is lost (sparse, in a full file system), its creator reports that, with the sizes in the message.
        int* lost = ParallelMemory.Copy((void*)array.Data, (void*)source, bytes);
        if (lost is not null && lost != array.Segment.Lost)
        {
            throw SharedMemoryLostException.Of(lost);
        }
    };

    /// <summary>Creates the filler that copies the first bytes of an array's elements, in C order. If the source's memory is lost during
    /// the copy, no array is published.</summary>
    public static ArrayFiller Copy(AttachedArray source, long bytes) => array =>
    {
        if (source.Header.IsFortranOrder)
        {
            long size = Math.Max(1, source.Header.Type.Size);
            OrderedCopy.Run(source.Header.Shape.AsSpan(), size, (byte*)source.Data, 0, (byte*)array.Data, bytes / size, isOut: true);
        }
        else
        {
            Copy(source.Data, bytes)(array);
        }

        if (source.Segment.IsLost || source.Segment.IsTruncated())
        {
            throw SharedMemoryLostException.Of(source.Segment.Name.Value);
        }
    };
}
