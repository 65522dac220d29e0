using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PosixShm.Arrays;
using PosixShm.Elements;

namespace PosixShm;

/// <summary>The shape and the elements of a new array. <see cref="ArrayContent"/> creates it.</summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly unsafe ref struct ArrayContent<T>
    where T : unmanaged
{
    private readonly long[]? _shape;
    private readonly ReadOnlySpan<T> _values;
    private readonly ArrayFiller? _fill;
    private readonly Func<DType?, NpyInput>? _open;

    /// <summary>Creates content that a filler writes; zeros without a filler.</summary>
    internal ArrayContent(long[] shape, ArrayFiller? fill)
    {
        ArgumentNullException.ThrowIfNull(shape);
        _shape = shape;
        _fill = fill;
    }

    /// <summary>Creates content from elements in C order.</summary>
    internal ArrayContent(long[] shape, ReadOnlySpan<T> values)
    {
        _shape = ShapeMath.TryByteLength(shape, 1, out long elements) && elements == values.Length
            ? shape
            : throw new ArgumentException($"The shape {ShapeText.Of(shape)} does not have {values.Length} elements.", nameof(shape));
        _values = values;
    }

    /// <summary>Creates content from an .npy file.</summary>
    internal ArrayContent(Func<DType?, NpyInput> open) => _open = open;

    /// <summary>Creates content from a managed array of any rank.</summary>
    internal static ArrayContent<T> Of(Array values)
    {
        ArgumentNullException.ThrowIfNull(values);
        ref T first = ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(values));
        long[] shape = [.. Enumerable.Range(0, values.Rank).Select(values.GetLongLength)];
        return new(shape, MemoryMarshal.CreateReadOnlySpan(ref first, checked((int)values.LongLength)));
    }

    /// <summary>Creates an array with this content.</summary>
    internal AttachedArray Make(
        DType type, Func<ArrayRequest, AttachedArray> make, string name, SharedArrayOptions? options, AttachOptions? existing = null)
    {
        using NpyInput? input = _open?.Invoke(type);
        fixed (T* values = _values)
        {
            ArrayFiller? given = _values.IsEmpty ? _fill : ArrayFillers.Copy((nint)values, (long)_values.Length * sizeof(T));
            ArrayFiller? fill = input is null ? given : input.Fill;
            return make(new ArrayRequest(name, type, input?.Shape ?? _shape ?? [], fill, options, existing));
        }
    }
}
