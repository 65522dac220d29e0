using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>Copies elements between an array, in its own order, and memory in C order. Lost memory is noticed.</summary>
internal static unsafe class ElementCopy
{
    /// <summary>Copies elements out of an array.</summary>
    /// <param name="header">The array's header.</param>
    /// <param name="size">The size of an element, in bytes.</param>
    /// <param name="elements">The array's elements in a mapping.</param>
    /// <param name="start">The index of the first element in C order.</param>
    /// <param name="copy">The memory to fill.</param>
    /// <param name="count">The number of elements.</param>
    /// <param name="lost">The lost word of the mapping.</param>
    /// <returns>Null, or the lost word of the mapping that lost memory.</returns>
    public static int* Out(ArrayHeader header, int size, byte* elements, long start, byte* copy, long count, int* lost)
        => header.IsFortranOrder
            ? InOrder(header, size, elements, start, copy, count, lost, isOut: true)
            : ParallelMemory.Copy(copy, elements + (start * size), count * size);

    /// <summary>Copies elements into an array.</summary>
    /// <inheritdoc cref="Out"/>
    public static int* In(ArrayHeader header, int size, byte* elements, long start, byte* copy, long count, int* lost)
        => header.IsFortranOrder
            ? InOrder(header, size, elements, start, copy, count, lost, isOut: false)
            : ParallelMemory.Copy(elements + (start * size), copy, count * size);

    // This copy is not guarded work: it meets zeros in place of lost memory, and the lost word shows it afterwards.
    private static int* InOrder(
        ArrayHeader header, int size, byte* elements, long start, byte* copy, long count, int* lost, bool isOut)
    {
        OrderedCopy.Run(header.Shape.AsSpan(), size, elements, start, copy, count, isOut);
        return Volatile.Read(ref *lost) != 0 ? lost : null;
    }
}
