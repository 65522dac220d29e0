using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;

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
        => new(shape, ElementTypes.Filler(new ReadOnlySpan<byte>(&value, sizeof(T)).ToArray()));

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
    /// <param name="other">The other array, which is copied when the new array is created. Elements that others write meanwhile may be copied or not.</param>
    /// <returns>The content. Options, locks and permissions are not part of it.</returns>
    public static ArrayContent<T> CopyOf<T>(SharedArray<T> other)
        where T : unmanaged
        => CopyOf<T>((SharedArray)other);

    /// <inheritdoc cref="CopyOf{T}(SharedArray{T})"/>
    public static ArrayContent<T> CopyOf<T>(ReadOnlySharedArray<T> other)
        where T : unmanaged
        => CopyOf<T>((SharedArray)other);

    /// <summary>Makes the content that a callback writes. If the callback throws, nothing is created.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="build">Writes the elements, which are zeros before. Its array has no name yet and no locks, and is detached when the callback returns.</param>
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
    /// <param name="stream">The stream, which is read when the array is created, to the end of the elements and no further. It need not seek, and is not closed.</param>
    /// <returns>The content, for one creation.</returns>
    public static ArrayContent<T> Load<T>(Stream stream)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new(type => NpyInput.Read(stream, type));
    }

    private static ArrayContent<T> CopyOf<T>(SharedArray other)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(other);
        return new([.. other.Shape], SharedArray.CopyOf(other));
    }
}
