using System.Numerics.Tensors;
using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm;

/// <summary>Creates tensors over memory that the caller checks and keeps mapped.</summary>
internal static unsafe class TensorShape
{
    /// <summary>Creates a tensor of all elements of an array.</summary>
    public static TensorSpan<T> Over<T>(T* data, ArrayHeader header)
        where T : unmanaged
        => Over(data, header.Shape.AsSpan(), header.Strides.AsSpan());

    /// <summary>Creates a tensor. An array without dimensions is a tensor of shape (1), because System.Numerics.Tensors supports no
    /// other.</summary>
    /// <param name="data">The first element.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="strides">The strides of each dimension, in elements; empty if the elements are in C order, or the array has no
    /// elements.</param>
    public static TensorSpan<T> Over<T>(T* data, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides = default)
        where T : unmanaged
    {
        Span<nint> lengths = stackalloc nint[Math.Max(shape.Length, 1)];
        Span<nint> steps = stackalloc nint[strides.Length];
        lengths[0] = 1;
        nint count = 1;
        nint reach = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            lengths[i] = (nint)shape[i];
            count *= lengths[i];
            if (!steps.IsEmpty)
            {
                // System.Numerics.Tensors accepts no other stride for a dimension of length 1.
                steps[i] = lengths[i] == 1 ? 0 : (nint)strides[i];
                reach += (lengths[i] - 1) * steps[i];
            }
        }

        return new TensorSpan<T>(data, steps.IsEmpty ? count : reach, lengths, steps);
    }

    /// <summary>Returns another shape of as many elements. One dimension may be -1, which stands for the length that is missing, as in
    /// numpy.</summary>
    public static long[] Reshape(string name, ReadOnlySpan<long> shape, ReadOnlySpan<long> wanted, string parameterName)
    {
        _ = ShapeMath.TryByteLength(shape, 1, out long length);
        long[] result = wanted.ToArray();
        int missing = result.IndexOf(-1L);
        if (missing >= 0)
        {
            result[missing] = 1;
            bool known = ShapeMath.TryByteLength(result, 1, out long rest) && rest > 0 && length % rest == 0;
            result[missing] = known ? length / rest : -1;
        }

        return ShapeMath.TryByteLength(result, 1, out long elements) && elements == length
            ? result
            : throw new ArgumentException(
                $"'{name}' has the shape {ShapeText.Of(shape)}, {length} elements, and cannot be reshaped to {ShapeText.Of(wanted)}.",
                parameterName);
    }

    /// <summary>Returns the shape of the same bytes as elements of another size. The last dimension changes, as in numpy's
    /// view(dtype).</summary>
    public static long[] Reinterpret(string name, ReadOnlySpan<long> shape, long fromSize, long toSize)
    {
        long[] result = shape.IsEmpty ? [1] : shape.ToArray();
        long bytes = result[^1] * fromSize;
        if (bytes % toSize != 0)
        {
            throw new InvalidOperationException(
                $"'{name}' has the shape {ShapeText.Of(shape)}: its last dimension has {bytes} bytes, not a multiple of {toSize}.");
        }

        result[^1] = bytes / toSize;
        return result;
    }
}
