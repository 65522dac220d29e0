using PosixShm.Arrays;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Writers of a new array's elements.</summary>
internal static unsafe class ArrayFillers
{
    /// <summary>Makes the filler that sets all elements to one.</summary>
    public static ArrayFiller Fill(byte[] element) => array =>
    {
        fixed (byte* bytes = element)
        {
            _ = ParallelMemory.Fill((void*)array.Data, array.Header.Length, bytes, element.Length);
        }
    };

    /// <summary>Makes the filler that copies bytes from an address.</summary>
    public static ArrayFiller Copy(nint source, long bytes) => array =>
    {
        // A loss of the new array's own memory (sparse, in a full file system) is reported by its creator, with the figures in the message.
        int* lost = ParallelMemory.Copy((void*)array.Data, (void*)source, bytes);
        if (lost is not null && lost != array.Segment.Lost)
        {
            throw SharedMemoryLostException.Of(lost);
        }
    };

    /// <summary>Makes the filler that copies the first bytes of an array's elements, in C order. If the memory of the source is lost
    /// meanwhile, nothing is published.</summary>
    public static ArrayFiller Copy(AttachedArray source, long bytes) => array =>
    {
        if (source.Header.IsFortranOrder)
        {
            ArrayHeader header = source.Header;
            OrderedCopy.Run(header.Shape.AsSpan(), header.Type.Size, (byte*)source.Data, 0, (byte*)array.Data, bytes / header.Type.Size, isOut: true);
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
