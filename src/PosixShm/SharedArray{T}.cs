using System.Buffers;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

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
/// Of an array in Fortran order, which only other programs write, the first index runs fastest
/// (<see cref="UntypedSharedArray.IsFortranOrder"/>). It has no flat views: spans, rows, other shapes and types are refused. Indices,
/// tensors, copies and enumeration are right, and a place in C order is that of the shape.
/// </para>
/// <para>
/// They are plain memory that other processes read and write at the same time. Single aligned elements of up to 8 bytes are never torn;
/// anything more needs a lock or an order of writes that its readers know. In a loop, take a <see cref="Span"/> first.
/// </para>
/// <para>Spans and tensors are the memory itself, and must not be used after <see cref="UntypedSharedArray.Dispose"/>.</para>
/// </remarks>
[DebuggerTypeProxy(typeof(SharedArrayDebugView<>))]
public sealed unsafe class SharedArray<T> : TypedSharedArray<T>
    where T : unmanaged
{
    internal SharedArray(AttachedArray array)
        : base(array)
    {
    }

    /// <summary>Gets the elements, in C order: the shared memory itself.</summary>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements: use <see cref="AsSpan"/> or
    /// <see cref="AsTensorSpan()"/>. Or the array is in Fortran order.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Span<T> Span => SpanOf();

    /// <summary>Gets the elements, in C order, as memory that may be stored and passed to asynchronous methods.</summary>
    /// <value>It may outlive the array: its use is then an <see cref="ObjectDisposedException"/>. While it is pinned, the memory
    /// stays mapped.</value>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Memory<T> Memory => WholeMemory;

    /// <inheritdoc/>
    public override bool IsReadOnly => false;

    /// <summary>Gets an element by its place in C order, whatever the shape: numpy's <c>a.flat[index]</c>.</summary>
    /// <param name="index">From 0 to <see cref="UntypedSharedArray.Length"/>, exclusive.</param>
    /// <returns>A reference to the shared memory itself, to read, write, or use with <see cref="Interlocked"/>.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="InvalidOperationException">The elements are not in C order
    /// (<see cref="UntypedSharedArray.IsFortranOrder"/>).</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    [OverloadResolutionPriority(1)] // An int is a long and an Index.
    public ref T this[long index] => ref ElementAt(index);

    /// <summary>Gets an element of an array of one dimension: <c>a[^1]</c> is the last one.</summary>
    /// <param name="index">The place, from the start or from the end.</param>
    /// <exception cref="ArgumentException">The array has more than one dimension, where numpy means a row: use
    /// <see cref="Row"/>.</exception>
    /// <inheritdoc cref="this[long]"/>
    public ref T this[Index index] => ref ElementAt(index);

    /// <summary>Gets a part of an array of one dimension, as <c>a[2..5]</c>.</summary>
    /// <param name="range">The range.</param>
    /// <returns>The span: the shared memory itself.</returns>
    /// <exception cref="ArgumentException">The array has more than one dimension, where numpy means rows: use <see cref="Row"/> or
    /// <see cref="AsTensorSpan(ReadOnlySpan{NRange})"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches outside.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Span<T> this[Range range] => SpanOf(range);

    /// <summary>Gets an element of an array of two dimensions.</summary>
    /// <param name="row">The first index.</param>
    /// <param name="column">The second index.</param>
    /// <inheritdoc cref="this[ReadOnlySpan{long}]"/>
    public ref T this[long row, long column] => ref ElementAt(row, column);

    /// <summary>Gets an element by one index for each dimension.</summary>
    /// <param name="indices">The indices.</param>
    /// <returns>A reference to the shared memory itself.</returns>
    /// <exception cref="ArgumentException">There is not one index for each dimension.</exception>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public ref T this[params scoped ReadOnlySpan<long> indices] => ref ElementAt(indices);

    /// <inheritdoc cref="this[ReadOnlySpan{long}]"/>
    /// <remarks>For languages without parameter spans, as F#.</remarks>
    public ref T this[params long[] indices] => ref ElementAt(indices);

    /// <summary>Gets a part of the elements, in C order: the shared memory itself.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many.</param>
    /// <returns>The span.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many elements.</exception>
    /// <exception cref="InvalidOperationException">The array is in Fortran order.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Span<T> AsSpan(long start, int length) => SpanOf(start, length);

    /// <summary>Gets the elements as a tensor of this <see cref="UntypedSharedArray.Shape"/>: the shared memory itself, of any size, for
    /// <see cref="Tensor"/> and <see cref="TensorPrimitives"/>. An array without dimensions is a tensor of shape (1).</summary>
    /// <returns>The tensor.</returns>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public TensorSpan<T> AsTensorSpan() => TensorShape.Over((T*)Data, Header);

    /// <summary>Gets a part of the elements, by one range for each dimension, as a tensor with strides: the shared memory itself.</summary>
    /// <param name="ranges">The ranges, as in numpy's <c>a[2:5, :]</c>.</param>
    /// <returns>The tensor.</returns>
    /// <exception cref="ArgumentException">There is not one range for each dimension.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A range reaches outside.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public TensorSpan<T> AsTensorSpan(params ReadOnlySpan<NRange> ranges) => AsTensorSpan().Slice(CheckRanges(ranges));

    /// <summary>Gets what numpy calls <c>a[index]</c>, as a span: all elements with that first index, in C order.</summary>
    /// <param name="index">The first index.</param>
    /// <returns>The span: the shared memory itself.</returns>
    /// <exception cref="ArgumentException">The array has no dimensions.</exception>
    /// <exception cref="IndexOutOfRangeException">There is no such row.</exception>
    /// <exception cref="InvalidOperationException">The array is in Fortran order: use <see cref="RowTensor"/>.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Span<T> Row(long index) => RowOf(index);

    /// <summary>Gets what numpy calls <c>a[index]</c>, as a tensor of one dimension less.</summary>
    /// <returns>The tensor: the shared memory itself.</returns>
    /// <inheritdoc cref="Row"/>
    public TensorSpan<T> RowTensor(long index) => RowTensorOf(index);

    /// <summary>Sees the elements in another shape, without a copy.</summary>
    /// <param name="shape">The shape, of as many elements; one dimension may be -1, for what is missing.</param>
    /// <returns>The tensor: the shared memory itself.</returns>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    /// <exception cref="InvalidOperationException">The array is in Fortran order.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public TensorSpan<T> Reshape(params long[] shape) => ReshapeOf(shape);

    /// <summary>Sees the same bytes as elements of another type, without a copy: the last dimension grows or shrinks, as in numpy's
    /// <c>a.view(dtype)</c>.</summary>
    /// <typeparam name="TOther">The other type.</typeparam>
    /// <returns>The tensor: the shared memory itself.</returns>
    /// <exception cref="InvalidOperationException">The last dimension's bytes are no multiple of the other type's size, or the elements lie
    /// where those of the other type would not be aligned; or the array is in Fortran order.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public TensorSpan<TOther> View<TOther>()
        where TOther : unmanaged
        => ViewOf<TOther>();

    /// <summary>Makes a read-only array over the same mapping, for code that must not write.</summary>
    /// <returns>An array to be disposed by itself: the memory stays mapped until both are.</returns>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public ReadOnlySharedArray<T> AsReadOnly() => ReadOnlyView<T>();

    /// <summary>Keeps the memory mapped until the lease ends, even if another thread disposes the array meanwhile.</summary>
    /// <returns>The lease: end it with <c>using</c>.</returns>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedArrayLease<T> Acquire() => new(AcquireSegment().Token(), Header);

    /// <summary>Sets every element.</summary>
    /// <param name="value">The value.</param>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void Fill(T value)
    {
        using Use use = new(this);
        use.ThrowIfCut();
        ThrowIfLost(ParallelMemory.Fill(use.Data, Length, &value, sizeof(T)));
    }

    /// <summary>Copies elements in, in C order: all of the source.</summary>
    /// <param name="source">Where from.</param>
    /// <param name="start">The first element to replace.</param>
    /// <exception cref="ArgumentOutOfRangeException">The source holds more than there is room for.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
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

    /// <summary>Goes through the elements in C order, as references to the shared memory itself.</summary>
    /// <returns>The enumerator.</returns>
    public Enumerator GetEnumerator() => new(this);

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
        public readonly ref T Current => ref _array.ElementInOrder(_index);

        /// <summary>Goes to the next element.</summary>
        /// <returns><see langword="false"/> at the end.</returns>
        public bool MoveNext() => ++_index < _array.Length;
    }
}
