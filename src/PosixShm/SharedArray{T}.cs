using System.Buffers;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>An array in shared memory, attached to this process for reading and writing.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <remarks>
/// <para>The elements are in C order: the last index varies fastest.</para>
/// <code>
///     shape (2, 3)      [0,0] [0,1] [0,2] [1,0] [1,1] [1,2]
///     flat index          0     1     2     3     4     5
/// </code>
/// <para>
/// Other programs may write arrays in Fortran order, in which the first index varies fastest
/// (<see cref="UntypedSharedArray.IsFortranOrder"/>). Such an array refuses flat views: spans, rows, other shapes and other element types.
/// Indices, tensors, copies and enumeration work as in C order.
/// </para>
/// <para>
/// Other processes may read and write the elements at the same time. Reads and writes of single elements of up to 8 bytes are never torn;
/// larger or several elements need a lock, or a protocol between writers and readers. In a loop, get the <see cref="Span"/> once.
/// </para>
/// <para>Spans, tensors and references are the shared memory, without a copy, and must not be used after
/// <see cref="UntypedSharedArray.Dispose"/>.</para>
/// </remarks>
[DebuggerTypeProxy(typeof(SharedArrayDebugView<>))]
public sealed unsafe class SharedArray<T> : TypedSharedArray<T>
    where T : unmanaged
{
    internal SharedArray(AttachedArray array)
        : base(array)
    {
    }

    /// <summary>Gets the elements in C order, as a span over the shared memory.</summary>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements: use <see cref="AsSpan"/> or
    /// <see cref="AsTensorSpan()"/>. Or the array is in Fortran order.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public Span<T> Span => SpanOf();

    /// <summary>Gets the elements in C order, as <see cref="Memory{T}"/>, which may be stored and passed to asynchronous methods.</summary>
    /// <value>Its use after the array was disposed throws an <see cref="ObjectDisposedException"/>. While it is pinned, the memory stays
    /// mapped.</value>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public Memory<T> Memory => WholeMemory;

    /// <inheritdoc/>
    public override bool IsReadOnly => false;

    /// <summary>Gets a reference to an element by its index in C order, as numpy's <c>a.flat[index]</c>.</summary>
    /// <param name="index">The index, from 0 to <see cref="UntypedSharedArray.Length"/>, exclusive.</param>
    /// <returns>A reference to the element in shared memory, for reading, writing, and <see cref="Interlocked"/>.</returns>
    /// <exception cref="IndexOutOfRangeException">The index is outside the array.</exception>
    /// <exception cref="InvalidOperationException">The elements are not in C order
    /// (<see cref="UntypedSharedArray.IsFortranOrder"/>).</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    [OverloadResolutionPriority(1)] // Otherwise an int argument is ambiguous: it converts to long and to Index.
    public ref T this[long index] => ref ElementAt(index);

    /// <summary>Gets a reference to an element of an array of one dimension: <c>a[^1]</c> is the last one.</summary>
    /// <param name="index">The index, from the start or from the end.</param>
    /// <exception cref="ArgumentException">The array has more than one dimension, and the index would be a row's in numpy: use
    /// <see cref="Row"/>.</exception>
    /// <inheritdoc cref="this[long]"/>
    public ref T this[Index index] => ref ElementAt(index);

    /// <summary>Gets a part of an array of one dimension, as in <c>a[2..5]</c>.</summary>
    /// <param name="range">The range.</param>
    /// <returns>A span over the shared memory.</returns>
    /// <exception cref="ArgumentException">The array has more than one dimension, and the range would be of rows in numpy: use
    /// <see cref="Row"/> or <see cref="AsTensorSpan(ReadOnlySpan{NRange})"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range exceeds the array.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public Span<T> this[Range range] => SpanOf(range);

    /// <summary>Gets a reference to an element of an array of two dimensions.</summary>
    /// <param name="row">The first index.</param>
    /// <param name="column">The second index.</param>
    /// <inheritdoc cref="this[ReadOnlySpan{long}]"/>
    public ref T this[long row, long column] => ref ElementAt(row, column);

    /// <summary>Gets a reference to an element by one index for each dimension.</summary>
    /// <param name="indices">The indices.</param>
    /// <returns>A reference to the element in shared memory.</returns>
    /// <exception cref="ArgumentException">The number of indices is not the number of dimensions.</exception>
    /// <exception cref="IndexOutOfRangeException">The index is outside the array.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public ref T this[params scoped ReadOnlySpan<long> indices] => ref ElementAt(indices);

    /// <inheritdoc cref="this[ReadOnlySpan{long}]"/>
    /// <remarks>For languages without parameter spans, such as F#.</remarks>
    public ref T this[params long[] indices] => ref ElementAt(indices);

    /// <summary>Gets a part of the elements in C order.</summary>
    /// <param name="start">The index of the first element.</param>
    /// <param name="length">The number of elements.</param>
    /// <returns>A span over the shared memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The part exceeds the array.</exception>
    /// <exception cref="InvalidOperationException">The array is in Fortran order.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public Span<T> AsSpan(long start, int length) => SpanOf(start, length);

    /// <summary>Gets the elements as a tensor of this <see cref="UntypedSharedArray.Shape"/> and of any size, for <see cref="Tensor"/> and
    /// <see cref="TensorPrimitives"/>. An array without dimensions is a tensor of shape (1).</summary>
    /// <returns>A tensor over the shared memory.</returns>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public TensorSpan<T> AsTensorSpan() => TensorShape.Over((T*)Data, Header);

    /// <summary>Gets a part of the elements, by one range for each dimension, as a tensor with strides.</summary>
    /// <param name="ranges">The ranges, as in numpy's <c>a[2:5, :]</c>.</param>
    /// <exception cref="ArgumentException">The number of ranges is not the number of dimensions.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A range exceeds its dimension.</exception>
    /// <inheritdoc cref="AsTensorSpan()"/>
    public TensorSpan<T> AsTensorSpan(params ReadOnlySpan<NRange> ranges) => AsTensorSpan().Slice(CheckRanges(ranges));

    /// <summary>Gets all elements with one first index, in C order, as numpy's <c>a[index]</c>.</summary>
    /// <returns>A span over the shared memory.</returns>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements in a row, or the array is in
    /// Fortran order: use <see cref="RowTensor"/>.</exception>
    /// <inheritdoc cref="RowTensor"/>
    public Span<T> Row(long index) => RowOf(index);

    /// <summary>Gets all elements with one first index, as a tensor of one dimension less, as numpy's <c>a[index]</c>.</summary>
    /// <param name="index">The first index.</param>
    /// <returns>A tensor over the shared memory.</returns>
    /// <exception cref="ArgumentException">The array has no dimensions.</exception>
    /// <exception cref="IndexOutOfRangeException">The index is outside the first dimension.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public TensorSpan<T> RowTensor(long index) => RowTensorOf(index);

    /// <summary>Gets the elements in another shape, without a copy.</summary>
    /// <param name="shape">The shape, with as many elements. One dimension may be -1, for the length that is missing.</param>
    /// <exception cref="ArgumentException">The shape does not have as many elements as the array.</exception>
    /// <exception cref="InvalidOperationException">The array is in Fortran order.</exception>
    /// <inheritdoc cref="AsTensorSpan()"/>
    public TensorSpan<T> Reshape(params long[] shape) => ReshapeOf(shape);

    /// <summary>Gets the same bytes as elements of another type, without a copy. The last dimension grows or shrinks, as in numpy's
    /// <c>a.view(dtype)</c>.</summary>
    /// <typeparam name="TOther">The other element type.</typeparam>
    /// <exception cref="InvalidOperationException">The last dimension's size is not a multiple of the other type's, the address is not
    /// aligned for it, or the array is in Fortran order.</exception>
    /// <inheritdoc cref="AsTensorSpan()"/>
    public TensorSpan<TOther> View<TOther>()
        where TOther : unmanaged
        => ViewOf<TOther>();

    /// <summary>Creates a read-only array over the same mapping, for code that must not write.</summary>
    /// <returns>The array, which must be disposed too: the memory stays mapped until both arrays are disposed.</returns>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public ReadOnlySharedArray<T> AsReadOnly() => ReadOnlyView<T>();

    /// <summary>Keeps the memory mapped until the lease ends, even if another thread disposes the array.</summary>
    /// <returns>The lease, which <c>using</c> ends.</returns>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public SharedArrayLease<T> Acquire() => new(AcquireSegment().Token(), Header);

    /// <summary>Sets all elements to one value.</summary>
    /// <param name="value">The value.</param>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void Fill(T value)
    {
        using Use use = new(this);
        use.ThrowIfCut();
        ThrowIfLost(ParallelMemory.Fill(use.Data, Length, &value, sizeof(T)));
    }

    /// <summary>Copies all elements of a span into the array, in C order.</summary>
    /// <param name="source">The elements to copy.</param>
    /// <param name="start">The index of the first element to replace.</param>
    /// <exception cref="ArgumentOutOfRangeException">The source exceeds the array.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void CopyFrom(ReadOnlySpan<T> source, long start = 0)
    {
        using Use use = new(this);
        CheckPart(start, source.Length);
        use.ThrowIfCut();
        fixed (T* from = source)
        {
            if (Header.IsFortranOrder)
            {
                OrderedCopy.Run(Shape.AsSpan(), sizeof(T), use.Data, start, (byte*)from, source.Length, isOut: false);
                ThrowIfLost();
            }
            else
            {
                ThrowIfLost(ParallelMemory.Copy((T*)use.Data + start, from, (long)source.Length * sizeof(T)));
            }
        }
    }

    /// <inheritdoc/>
    public override void SetValue(object value, long index)
    {
        T element = ElementValue.Convert<T>(value);
        using Use use = new(this);
        *(T*)use.Element(index) = element;
        ThrowIfLost();
    }

    /// <summary>Returns an enumerator of the elements in C order, as references to the shared memory.</summary>
    /// <returns>The enumerator.</returns>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Enumerates the elements of an array.</summary>
    public ref struct Enumerator
    {
        private readonly SharedArray<T> _array;
        private long _index = -1;

        internal Enumerator(SharedArray<T> array) => _array = array;

        /// <summary>Gets a reference to the current element in shared memory.</summary>
        public readonly ref T Current => ref _array.ElementInOrder(_index);

        /// <summary>Advances to the next element.</summary>
        /// <returns><see langword="false"/> at the end.</returns>
        public bool MoveNext() => ++_index < _array.Length;
    }
}
