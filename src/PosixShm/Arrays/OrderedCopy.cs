using PosixShm.Format;

namespace PosixShm.Arrays;

/// <summary>Copies elements between C order and an array in Fortran order.</summary>
internal static unsafe class OrderedCopy
{
    /// <summary>Copies elements of an array out, or in.</summary>
    /// <param name="header">The description of the array.</param>
    /// <param name="elements">The elements of the array.</param>
    /// <param name="start">The place of the first one in C order.</param>
    /// <param name="copy">The elements in C order.</param>
    /// <param name="count">The number of elements.</param>
    /// <param name="isOut">Whether the elements are copied out of the array.</param>
    public static void Run(ArrayHeader header, byte* elements, long start, byte* copy, long count, bool isOut)
    {
        int size = checked((int)header.Type.Size);

        // In C order, the last index runs fastest: each run is what is left of the last dimension.
        int last = header.Shape.Length - 1;
        long step = header.Strides[last] * size;
        while (count > 0)
        {
            long run = Math.Min(count, header.Shape[last] - (start % header.Shape[last]));
            byte* first = elements + (header.PlaceOf(start) * size);
            if (isOut)
            {
                CopyRun(first, step, copy, size, run, size);
            }
            else
            {
                CopyRun(copy, size, first, step, run, size);
            }

            copy += run * size;
            start += run;
            count -= run;
        }
    }

    // Each element of a processor's size is one load and one store, so that it is never torn.
    private static void CopyRun(byte* from, long fromStep, byte* to, long toStep, long count, int size)
    {
        switch (size)
        {
            case sizeof(byte):
                CopyRun<byte>(from, fromStep, to, toStep, count);
                break;
            case sizeof(ushort):
                CopyRun<ushort>(from, fromStep, to, toStep, count);
                break;
            case sizeof(uint):
                CopyRun<uint>(from, fromStep, to, toStep, count);
                break;
            case sizeof(ulong):
                CopyRun<ulong>(from, fromStep, to, toStep, count);
                break;
            default:
                for (; count > 0; count--, from += fromStep, to += toStep)
                {
                    Buffer.MemoryCopy(from, to, size, size);
                }

                break;
        }
    }

    private static void CopyRun<T>(byte* from, long fromStep, byte* to, long toStep, long count)
        where T : unmanaged
    {
        for (; count > 0; count--, from += fromStep, to += toStep)
        {
            *(T*)to = *(T*)from;
        }
    }
}
