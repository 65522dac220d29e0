using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using PosixShm.Arrays;
using PosixShm.Format;

namespace PosixShm;

/// <summary>An array in shared memory, attached to this process to read and to write.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <remarks>
/// <para>The elements lie in C order: the last index runs fastest.</para>
/// <code>
///     shape (2, 3)      [0,0] [0,1] [0,2] [1,0] [1,1] [1,2]
///     flat index          0     1     2     3     4     5
/// </code>
/// <para>
/// They are plain memory that other processes read and write at the same time. Single aligned elements of up to 8 bytes are never torn;
/// anything more needs a lock or an order of writes that its readers know. In a loop, take a <see cref="Span"/> first.
/// </para>
/// </remarks>
public sealed unsafe class SharedArray<T> : SharedArray, IEnumerable<T>
    where T : unmanaged
{
    // What the indexers check against: Dispose zeroes them, so that no element of a detached array can be reached.
    private T* _data;
    private long _length;

    internal SharedArray(AttachedArray array)
        : base(array)
    {
        _data = (T*)array.Data;
        _length = array.Header.Length;
    }

    /// <inheritdoc/>
    public override Type ElementType => typeof(T);

    /// <summary>Gets the elements, in C order: the shared memory itself.</summary>
    /// <value>A span that must not be used after <see cref="SharedArray.Dispose"/>.</value>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements: use <see cref="AsSpan"/>.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Span<T> Span
    {
        get
        {
            long length = _length;
            ThrowIfDetached();
            return length <= int.MaxValue
                ? new Span<T>(_data, (int)length)
                : throw new InvalidOperationException($"'{Name}' has {length} elements, and a span at most {int.MaxValue}: use AsSpan(start, length).");
        }
    }

    /// <summary>Gets an element by its place in C order, whatever the shape: numpy's <c>a.flat[index]</c>.</summary>
    /// <param name="index">From 0 to <see cref="SharedArray.Length"/>, exclusive.</param>
    /// <returns>A reference to the shared memory itself, to read, write, or use with <see cref="Interlocked"/>.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public ref T this[long index]
    {
        get
        {
            if (IsOutside(index, _length))
            {
                ThrowOutside(index);
            }

            return ref Unsafe.Add(ref Unsafe.AsRef<T>(_data), (nint)index);
        }
    }

    /// <summary>Gets an element of an array of two dimensions.</summary>
    /// <param name="row">The first index.</param>
    /// <param name="column">The second index.</param>
    /// <returns>A reference to the shared memory itself.</returns>
    /// <exception cref="ArgumentException">The array does not have two dimensions.</exception>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public ref T this[long row, long column]
    {
        get
        {
            ReadOnlySpan<long> shape = Shape.AsSpan();
            if (shape.Length != 2 || IsOutside(row, shape[0]) || IsOutside(column, shape[1]))
            {
                ThrowOutside([row, column]);
            }

            return ref this[unchecked((row * shape[1]) + column)];
        }
    }

    /// <summary>Gets an element by one index for each dimension.</summary>
    /// <param name="indices">The indices.</param>
    /// <returns>A reference to the shared memory itself.</returns>
    /// <exception cref="ArgumentException">There is not one index for each dimension.</exception>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public ref T this[params ReadOnlySpan<long> indices] => ref this[FlatIndex(indices)];

    /// <inheritdoc cref="this[ReadOnlySpan{long}]"/>
    /// <remarks>For languages without parameter spans, as in F#.</remarks>
    public ref T this[params long[] indices] => ref this[FlatIndex(indices)];

    /// <summary>Gets a part of the elements, in C order: the shared memory itself.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many.</param>
    /// <returns>A span that must not be used after <see cref="SharedArray.Dispose"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many elements.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Span<T> AsSpan(long start, int length)
    {
        ThrowIfDetached();
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, _length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _length - start);
        return new Span<T>(_data + start, length);
    }

    /// <summary>Sets every element.</summary>
    /// <param name="value">The value.</param>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void Fill(T value)
    {
        ThrowIfDetached();
        for (long start = 0; start < _length; start += int.MaxValue)
        {
            AsSpan(start, (int)Math.Min(int.MaxValue, _length - start)).Fill(value);
        }
    }

    /// <summary>Copies elements out, in C order: as many as the destination holds.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="start">The first element to copy.</param>
    /// <exception cref="ArgumentOutOfRangeException">The destination holds more than there are.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void CopyTo(Span<T> destination, long start = 0) => AsSpan(start, destination.Length).CopyTo(destination);

    /// <summary>Copies elements in, in C order: all of the source.</summary>
    /// <param name="source">Where from.</param>
    /// <param name="start">The first element to replace.</param>
    /// <exception cref="ArgumentOutOfRangeException">The source holds more than there is room for.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void CopyFrom(ReadOnlySpan<T> source, long start = 0) => source.CopyTo(AsSpan(start, source.Length));

    /// <summary>Copies all elements into a new array on the managed heap, in C order.</summary>
    /// <returns>The copy.</returns>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public T[] ToArray() => Span.ToArray();

    /// <inheritdoc/>
    public override object GetValue(long index) => this[index];

    /// <inheritdoc/>
    public override void SetValue(object value, long index) => this[index] = (T)value;

    /// <summary>Goes through the elements in C order, as references to the shared memory itself.</summary>
    /// <returns>The enumerator.</returns>
    public Enumerator GetEnumerator() => new(this);

    /// <inheritdoc/>
    IEnumerator<T> IEnumerable<T>.GetEnumerator()
    {
        for (long index = 0; index < Length; index++)
        {
            yield return this[index];
        }
    }

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<T>)this).GetEnumerator();

    private protected override void Detach()
    {
        _length = 0;
        _data = null;
    }

    // One comparison for both ends: a negative index is a very large one.
    private static bool IsOutside(long index, long length) => unchecked((ulong)index >= (ulong)length);

    private long FlatIndex(ReadOnlySpan<long> indices)
    {
        ReadOnlySpan<long> shape = Shape.AsSpan();
        if (indices.Length != shape.Length)
        {
            ThrowOutside(indices);
        }

        long flat = 0;
        for (int i = 0; i < shape.Length; i++)
        {
            if (IsOutside(indices[i], shape[i]))
            {
                ThrowOutside(indices);
            }

            // No overflow: the shape's product fits.
            flat = unchecked((flat * shape[i]) + indices[i]);
        }

        return flat;
    }

    private void ThrowIfDetached() => ObjectDisposedException.ThrowIf(_data is null, this);

    [DoesNotReturn]
    private void ThrowOutside(params ReadOnlySpan<long> indices)
    {
        ThrowIfDetached();

        // One index is a flat one.
        if (indices.Length != 1 && indices.Length != Rank)
        {
            throw new ArgumentException($"'{Name}' has {Rank} dimensions, and {indices.Length} indices were given.", nameof(indices));
        }

        throw new IndexOutOfRangeException(
            $"'{Name}' has the shape {ShapeText.Of(Shape.AsSpan())}, and no element at {ShapeText.Of(indices)}.");
    }

    /// <summary>Goes through the elements of an array.</summary>
    public ref struct Enumerator
    {
        private readonly SharedArray<T> _array;
        private long _index;

        internal Enumerator(SharedArray<T> array)
        {
            _array = array;
            _index = -1;
        }

        /// <summary>Gets the current element: the shared memory itself.</summary>
        public readonly ref T Current => ref _array[_index];

        /// <summary>Goes to the next element.</summary>
        /// <returns><see langword="false"/> at the end.</returns>
        public bool MoveNext() => ++_index < _array.Length;
    }
}
