using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Creates the content of a new array: its shape, and its elements before another process can attach it.</summary>
public static class ArrayContent
{
    /// <summary>Creates content whose elements are all zero.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">The length of each dimension; empty for an array of one element without dimensions.</param>
    /// <returns>The content.</returns>
    public static ArrayContent<T> Zeros<T>(params long[] shape)
        where T : unmanaged
        => new(shape, fill: null);

    /// <summary>Creates content whose elements all have one value, as numpy's <c>full</c> does.</summary>
    /// <param name="value">The value.</param>
    /// <param name="shape">The length of each dimension; empty for an array of one element without dimensions.</param>
    /// <inheritdoc cref="Zeros{T}(long[])"/>
    public static unsafe ArrayContent<T> Filled<T>(T value, params long[] shape)
        where T : unmanaged
        => new(shape, ArrayFillers.Fill(new ReadOnlySpan<byte>(&value, sizeof(T)).ToArray()));

    /// <summary>Creates content from elements in C order.</summary>
    /// <param name="values">The elements, which are copied when the array is created.</param>
    /// <param name="shape">The length of each dimension; empty for one dimension with all elements.</param>
    /// <exception cref="ArgumentException">The shape does not have as many elements as were given.</exception>
    /// <inheritdoc cref="Zeros{T}(long[])"/>
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

    /// <summary>Creates content with the shape and the elements of a rectangular array.</summary>
    /// <param name="values">The array, which is copied when the new array is created.</param>
    /// <inheritdoc cref="Zeros{T}(long[])"/>
    [SuppressMessage("Performance", "CA1814", Justification = "A shared array is rectangular, and a jagged one is not.")]
    public static ArrayContent<T> From<T>(T[,] values)
        where T : unmanaged
        => ArrayContent<T>.Of(values);

    /// <inheritdoc cref="From{T}(T[,])"/>
    [SuppressMessage("Performance", "CA1814", Justification = "A shared array is rectangular, and a jagged one is not.")]
    public static ArrayContent<T> From<T>(T[,,] values)
        where T : unmanaged
        => ArrayContent<T>.Of(values);

    /// <summary>Creates content with the shape and the elements of another shared array of any size, as numpy's <c>a.copy()</c>
    /// does.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="other">The other array, which is copied when the new array is created. A store by another thread or process during the
    /// copy may be missing.</param>
    /// <returns>The content, without the other array's options, locks and permissions.</returns>
    public static ArrayContent<T> CopyOf<T>(TypedSharedArray<T> other)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(other);
        return new([.. other.Shape], other.CopyElements);
    }

    /// <summary>Creates content that a callback writes. If the callback throws, no array is created.</summary>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="build">Writes the elements, which are zero before. Its array has no name and no locks yet, and is disposed when the
    /// callback returns.</param>
    /// <inheritdoc cref="Zeros{T}(long[])"/>
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

    /// <summary>Creates content from an .npy file. The new array is in C order, even if the file is in Fortran order.</summary>
    /// <typeparam name="T">The element type, which must match the file's.</typeparam>
    /// <param name="path">The path of the file or pipe, which is read when the array is created.</param>
    /// <returns>The content.</returns>
    public static ArrayContent<T> Load<T>(string path)
        where T : unmanaged
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(type => NpyInput.Open(path, type));
    }

    /// <summary>Creates content from an .npy file in a stream. The new array is in C order, even if the file is in Fortran order.</summary>
    /// <typeparam name="T">The element type, which must match the file's.</typeparam>
    /// <param name="stream">The stream, which is read up to the end of the elements when the array is created. It need not support seeking,
    /// and is not closed.</param>
    /// <returns>The content, which one creation consumes.</returns>
    public static ArrayContent<T> Load<T>(Stream stream)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new(type => NpyInput.Read(stream, type));
    }

    /// <summary>Creates content of zeros, or of empty text, whose element type is known only at run time.</summary>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="shape">The length of each dimension; empty for an array of one element without dimensions.</param>
    /// <exception cref="ArgumentException">The dtype is invalid.</exception>
    /// <inheritdoc cref="Zeros{T}(long[])"/>
    public static UntypedArrayContent Zeros(string dtype, params long[] shape)
        => new(ElementTypes.Parse(dtype, nameof(dtype)), shape, fill: null);

    /// <summary>Creates content whose elements all have one value, and whose element type is known only at run time.</summary>
    /// <param name="dtype">numpy's name or notation of the element type.</param>
    /// <param name="value">The value, of the type that <see cref="UntypedSharedArray.GetValue(long)"/> returns:
    /// <see cref="SharedArray.ElementTypeOf"/>, a string for U, bytes or an ASCII string for S.</param>
    /// <param name="shape">The length of each dimension; empty for an array of one element without dimensions.</param>
    /// <exception cref="ArgumentException">The dtype is invalid, or the value is too long for it.</exception>
    /// <exception cref="InvalidCastException">The value has another type.</exception>
    /// <inheritdoc cref="Zeros(string, long[])"/>
    public static UntypedArrayContent Filled(string dtype, object value, params long[] shape)
    {
        ArgumentNullException.ThrowIfNull(value);
        DType type = ElementTypes.Parse(dtype, nameof(dtype));
        return ElementTypes.Find(type)?.Type is Type wanted && value.GetType() != wanted
            ? throw new InvalidCastException($"An element has the type {wanted}, so its value cannot be a {value.GetType()}.")
            : new(type, shape, ArrayFillers.Fill(ElementTypes.Bytes(type, value)));
    }

    /// <summary>Creates content with the element type, the shape and the elements of another shared array.</summary>
    /// <inheritdoc cref="CopyOf{T}(TypedSharedArray{T})"/>
    public static UntypedArrayContent CopyOf(UntypedSharedArray other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new(other.Header.Type, [.. other.Shape], other.CopyElements);
    }

    /// <summary>Creates content that a callback writes, and whose element type is known only at run time. If the callback throws, no array
    /// is created.</summary>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="build">Writes the elements, which are zero or empty before.</param>
    /// <exception cref="ArgumentException">The dtype is invalid.</exception>
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

    /// <summary>Creates content from an .npy file, with the file's element type.</summary>
    /// <inheritdoc cref="Load{T}(string)"/>
    public static UntypedArrayContent Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(type => NpyInput.Open(path, type));
    }

    /// <summary>Creates content from an .npy file in a stream, with the file's element type.</summary>
    /// <inheritdoc cref="Load{T}(Stream)"/>
    public static UntypedArrayContent Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new(type => NpyInput.Read(stream, type));
    }
}
