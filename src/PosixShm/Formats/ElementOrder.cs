using System.Collections.Immutable;

namespace PosixShm.Formats;

/// <summary>The order of a shape's elements in memory, as numpy's strides.</summary>
internal static class ElementOrder
{
    /// <summary>Returns whether C order and Fortran order differ: at least two dimensions are not 1, and none is 0.</summary>
    public static bool Matters(ReadOnlySpan<long> shape) => shape.Length - shape.Count(1L) > 1 && !shape.Contains(0L);

    /// <summary>Returns the strides of elements without gaps, as numpy has them. The shape was checked, so nothing overflows.</summary>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="isFortranOrder">Whether the first index runs fastest, instead of the last.</param>
    /// <param name="unit">The distance of two neighbours in memory.</param>
    public static ImmutableArray<long> Strides(ReadOnlySpan<long> shape, bool isFortranOrder, long unit)
    {
        ImmutableArray<long>.Builder strides = ImmutableArray.CreateBuilder<long>(shape.Length);
        strides.Count = shape.Length;
        for (int i = 0; i < shape.Length; i++)
        {
            int dimension = isFortranOrder ? i : shape.Length - 1 - i;
            strides[dimension] = unit;
            unit *= Math.Max(shape[dimension], 1);
        }

        return strides.MoveToImmutable();
    }
}
