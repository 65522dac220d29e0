using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>The contents that a new array can have: its shape, and its elements before any other process can see it.</summary>
public static class ArrayContent
{
    /// <summary>Makes the content of zeros.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <returns>The content.</returns>
    public static ArrayContent<T> Zeros<T>(params long[] shape)
        where T : unmanaged
        => new(shape, fill: null);

    /// <summary>Makes the content whose elements all have one value: numpy's <c>full</c>.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="value">The value.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <returns>The content.</returns>
    public static unsafe ArrayContent<T> Filled<T>(T value, params long[] shape)
        where T : unmanaged
        => new(shape, ArrayFillers.Fill(new ReadOnlySpan<byte>(&value, sizeof(T)).ToArray()));

    /// <summary>Makes the content of given elements, in C order.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="values">The elements, which are copied when the array is created.</param>
    /// <param name="shape">The length of each dimension; none at all for one dimension with all elements.</param>
    /// <returns>The content.</returns>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    public static ArrayContent<T> From<T>(ReadOnlySpan<T> values, params long[] shape)
        where T : unmanaged
        => new(shape is [] ? [values.Length] : shape, values);

    /// <inheritdoc cref="From{T}(ReadOnlySpan{T}, long[])"/>
    public static ArrayContent<T> From<T>(T[] values, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(values);
        return From((ReadOnlySpan<T>)values, shape);
    }

    /// <summary>Makes the content of a rectangular array: its elements in its shape.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="values">The array, which is copied when the new array is created.</param>
    /// <returns>The content.</returns>
    [SuppressMessage("Performance", "CA1814", Justification = "A shared array is rectangular, and a jagged one is not.")]
    public static ArrayContent<T> From<T>(T[,] values)
        where T : unmanaged
        => ArrayContent<T>.Of(values);

    /// <inheritdoc cref="From{T}(T[,])"/>
    [SuppressMessage("Performance", "CA1814", Justification = "A shared array is rectangular, and a jagged one is not.")]
    public static ArrayContent<T> From<T>(T[,,] values)
        where T : unmanaged
        => ArrayContent<T>.Of(values);

    /// <summary>Makes the content of another array's shape and elements: numpy's <c>a.copy()</c>, of any size.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="other">The other array, which is copied when the new array is created. Elements that others write meanwhile may be
    /// copied or not.</param>
    /// <returns>The content. Options, locks and permissions are not part of it.</returns>
    public static ArrayContent<T> CopyOf<T>(TypedSharedArray<T> other)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(other);
        return new([.. other.Shape], other.CopyElements);
    }

    /// <summary>Makes the content that a callback writes. If the callback throws, nothing is created.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="build">Writes the elements, which are zeros before. Its array has no name yet and no locks, and is detached when the
    /// callback returns.</param>
    /// <returns>The content.</returns>
    public static ArrayContent<T> Build<T>(long[] shape, Action<SharedArray<T>> build)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(build);
        return new(shape, attached =>
        {
            using SharedArray<T> array = new(attached.Share());
            build(array);
        });
    }

    /// <summary>Makes the content of an .npy file. The new array is in C order, also if the file is in Fortran order.</summary>
    /// <typeparam name="T">The element type, which must be the file's.</typeparam>
    /// <param name="path">The file, which is read when the array is created. A pipe serves, too.</param>
    /// <returns>The content.</returns>
    public static ArrayContent<T> Load<T>(string path)
        where T : unmanaged
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(type => NpyInput.Open(path, type));
    }

    /// <summary>Makes the content of an .npy file from a stream. The new array is in C order, also if the file is not.</summary>
    /// <typeparam name="T">The element type, which must be the file's.</typeparam>
    /// <param name="stream">The stream, which is read when the array is created, to the end of the elements and no further. It need not
    /// seek, and is not closed.</param>
    /// <returns>The content, for one creation.</returns>
    public static ArrayContent<T> Load<T>(Stream stream)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new(type => NpyInput.Read(stream, type));
    }

    /// <summary>Makes the content of zeros, or of empty texts, of an element type that is known only at run time.</summary>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <exception cref="ArgumentException">The text is not an element type.</exception>
    /// <inheritdoc cref="Zeros{T}(long[])"/>
    public static UntypedArrayContent Zeros(string dtype, params long[] shape) => new(ElementTypes.Parse(dtype, nameof(dtype)), shape, fill: null);

    /// <summary>Makes the content whose elements all have one value, of an element type that is known only at run time.</summary>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="value">The value, of the type that <see cref="UntypedSharedArray.GetValue(long)"/> returns:
    /// <see cref="SharedArray.ElementTypeOf"/>, text for U, bytes or ASCII text for S.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <exception cref="ArgumentException">The text is not an element type, or the value is too long for it.</exception>
    /// <exception cref="InvalidCastException">The value is of another type.</exception>
    /// <inheritdoc cref="Zeros(string, long[])"/>
    public static UntypedArrayContent Filled(string dtype, object value, params long[] shape)
    {
        ArgumentNullException.ThrowIfNull(value);
        DType type = ElementTypes.Parse(dtype, nameof(dtype));
        return ElementTypes.Find(type)?.Type is Type wanted && value.GetType() != wanted
            ? throw new InvalidCastException($"An element of type {wanted} cannot be a {value.GetType()}.")
            : new(type, shape, ArrayFillers.Fill(ElementTypes.Bytes(type, value)));
    }

    /// <summary>Makes the content of another array's element type, shape and elements.</summary>
    /// <inheritdoc cref="CopyOf{T}(TypedSharedArray{T})"/>
    public static UntypedArrayContent CopyOf(UntypedSharedArray other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new(other.Header.Type, [.. other.Shape], other.CopyElements);
    }

    /// <summary>Makes the content that a callback writes, of an element type that is known only at run time. If the callback throws,
    /// nothing is created.</summary>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="build">Writes the elements, as that of the other Build does.</param>
    /// <exception cref="ArgumentException">The text is not an element type.</exception>
    /// <inheritdoc cref="Build{T}(long[], Action{SharedArray{T}})"/>
    public static UntypedArrayContent Build(string dtype, long[] shape, Action<UntypedSharedArray> build)
    {
        ArgumentNullException.ThrowIfNull(build);
        return new(ElementTypes.Parse(dtype, nameof(dtype)), shape, attached =>
        {
            using UntypedSharedArray array = ArrayWrapper.Wrap(attached.Share(), SegmentAccess.ReadWrite);
            build(array);
        });
    }

    /// <summary>Makes the content of an .npy file in C order, with its element type.</summary>
    /// <inheritdoc cref="Load{T}(string)"/>
    public static UntypedArrayContent Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(type => NpyInput.Open(path, type));
    }

    /// <summary>Makes the content of an .npy file in C order that a stream gives, with its element type.</summary>
    /// <inheritdoc cref="Load{T}(Stream)"/>
    public static UntypedArrayContent Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new(type => NpyInput.Read(stream, type));
    }
}
