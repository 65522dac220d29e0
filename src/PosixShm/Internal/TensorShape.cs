using System.Numerics.Tensors;
using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm;

/// <summary>Makes tensors over memory that the caller has checked and keeps.</summary>
internal static unsafe class TensorShape
{
    /// <summary>Makes a tensor of all elements of an array.</summary>
    public static TensorSpan<T> Over<T>(T* data, ArrayHeader header)
        where T : unmanaged
        => Over(data, header.Shape.AsSpan(), header.Strides.AsSpan());

    /// <summary>Makes a tensor. One without dimensions has one of length 1: System.Numerics.Tensors knows no other.</summary>
    /// <param name="data">The first element.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="strides">How many elements apart the neighbours along each dimension are. None if the elements are in C order, or if there are none.</param>
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
                // System.Numerics.Tensors takes no other stride of a dimension of length 1.
                steps[i] = lengths[i] == 1 ? 0 : (nint)strides[i];
                reach += (lengths[i] - 1) * steps[i];
            }
        }

        return new TensorSpan<T>(data, steps.IsEmpty ? count : reach, lengths, steps);
    }

    /// <summary>Checks that another shape has as many elements; a single -1 stands for what is missing, as in numpy.</summary>
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
                $"'{name}' has the shape {ShapeText.Of(shape)}, {length} elements, and cannot be seen as {ShapeText.Of(wanted)}.", parameterName);
    }

    /// <summary>Gives the shape of the same bytes as elements of another size: the last dimension changes, as in numpy's view(dtype).</summary>
    public static long[] Reinterpret(string name, ReadOnlySpan<long> shape, long fromSize, long toSize)
    {
        long[] result = shape.IsEmpty ? [1] : shape.ToArray();
        long bytes = result[^1] * fromSize;
        if (bytes % toSize != 0)
        {
            throw new InvalidOperationException(
                $"'{name}' has the shape {ShapeText.Of(shape)}: its last dimension is {bytes} bytes, no multiple of {toSize}.");
        }

        result[^1] = bytes / toSize;
        return result;
    }
}
