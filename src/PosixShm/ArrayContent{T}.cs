using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PosixShm.Arrays;
using PosixShm.Format;

namespace PosixShm;

/// <summary>The shape and the elements of a new array; see <see cref="ArrayContent"/>.</summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly ref struct ArrayContent<T>
    where T : unmanaged
{
    private readonly long[]? _shape;
    private readonly ArrayFiller? _fill;
    private readonly Func<ElementType, NpyInput>? _open;

    /// <summary>Makes the content that a filler writes; zeros without a filler.</summary>
    internal ArrayContent(long[] shape, ArrayFiller? fill)
    {
        ArgumentNullException.ThrowIfNull(shape);
        _shape = shape;
        _fill = fill;
    }

    /// <summary>Makes the content of given elements.</summary>
    internal ArrayContent(long[] shape, ReadOnlySpan<T> values)
    {
        _shape = ShapeMath.TryByteLength(shape, 1, out long elements) && elements == values.Length
            ? shape
            : throw new ArgumentException($"The shape {ShapeText.Of(shape)} is not one of {values.Length} elements.", nameof(shape));
        Values = values;
    }

    /// <summary>Makes the content of an .npy file.</summary>
    internal ArrayContent(Func<ElementType, NpyInput> open) => _open = open;

    /// <summary>Gets the shape. That of an .npy file is in its header.</summary>
    internal long[] Shape => _shape ?? [];

    internal ReadOnlySpan<T> Values { get; }

    /// <summary>Makes the content of a managed array of any rank.</summary>
    internal static ArrayContent<T> Of(Array values)
    {
        ArgumentNullException.ThrowIfNull(values);
        ref T first = ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(values));
        long[] shape = [.. Enumerable.Range(0, values.Rank).Select(values.GetLongLength)];
        return new(shape, MemoryMarshal.CreateReadOnlySpan(ref first, checked((int)values.LongLength)));
    }

    /// <summary>Opens the .npy file and reads its header. Null for other contents.</summary>
    internal NpyInput? Open(ElementType type) => _open?.Invoke(type);

    /// <summary>Returns the content of the opened file, or this one without a file.</summary>
    internal ArrayContent<T> With(NpyInput? input) => input is null ? this : new(input.Shape, input.Fill);

    /// <summary>Makes the filler, if the elements are not zeros.</summary>
    internal unsafe ArrayFiller? Filler(nint values) => Values.IsEmpty ? _fill : SharedArray.Copy(values, (long)Values.Length * sizeof(T));
}
