namespace PosixShm.Elements;

/// <summary>Sizes of shapes. All shapes are safe, also those of hostile files: nothing here overflows.</summary>
internal static class ShapeMath
{
    /// <summary>The most dimensions: numpy 2's limit (numpy 1 reads 32).</summary>
    public const int MaxRank = 64;

    /// <summary>Multiplies the dimensions and the element's size. Returns false if one is negative or the result is 2^63 or more.</summary>
    /// <remarks>Zeros are left out of the check: (0, 2^62, 2^62) is refused, as by numpy, so that strides never overflow.</remarks>
    public static bool TryByteLength(ReadOnlySpan<long> shape, long elementSize, out long bytes)
    {
        // An element of no bytes, such as numpy's S0, must not hide an overflow of the count.
        long product = Math.Max(elementSize, 1);
        bool isEmpty = elementSize == 0;
        bytes = 0;
        foreach (long dimension in shape)
        {
            if (dimension < 0 || product > long.MaxValue / Math.Max(dimension, 1))
            {
                return false;
            }

            isEmpty |= dimension == 0;
            product *= Math.Max(dimension, 1);
        }

        bytes = isEmpty ? 0 : product;
        return true;
    }

    /// <summary>Multiplies the dimensions of a shape that was checked.</summary>
    public static long Product(ReadOnlySpan<long> shape)
    {
        long product = 1;
        foreach (long dimension in shape)
        {
            product *= dimension;
        }

        return product;
    }
}
