using System.Buffers;
using System.Collections;
using System.Diagnostics;
using System.Numerics.Tensors;
using PosixShm.Arrays;

namespace PosixShm;

/// <summary>An array in shared memory, attached to this process to read only: no member writes, and the kernel refuses every store (<c>PROT_READ</c>).</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <remarks>
/// Others may write it meanwhile: read-only is what this process may do, not what the elements are. It attaches also where this user may
/// only read. For the layout of the elements see <see cref="SharedArray{T}"/>.
/// </remarks>
[DebuggerTypeProxy(typeof(SharedArrayDebugView<>))]
public sealed unsafe class ReadOnlySharedArray<T> : SharedArray, IEnumerable<T>
    where T : unmanaged
{
    internal ReadOnlySharedArray(AttachedArray array)
        : base(array)
    {
    }

    /// <inheritdoc/>
    public override Type ElementType => typeof(T);

    private protected override bool IsReadOnly => true;

    /// <inheritdoc cref="SharedArray{T}.Span"/>
    public ReadOnlySpan<T> Span => SpanOf<T>();

    /// <inheritdoc cref="SharedArray{T}.this[long]"/>
    public ref readonly T this[long index] => ref ElementAt<T>(index);

    /// <inheritdoc cref="SharedArray{T}.this[long, long]"/>
    public ref readonly T this[long row, long column] => ref ElementAt<T>(row, column);

    /// <inheritdoc cref="SharedArray{T}.this[ReadOnlySpan{long}]"/>
    public ref readonly T this[params scoped ReadOnlySpan<long> indices] => ref ElementAt<T>(indices);

    /// <inheritdoc cref="SharedArray{T}.this[ReadOnlySpan{long}]"/>
    /// <remarks>For languages without parameter spans, as F#.</remarks>
    public ref readonly T this[params long[] indices] => ref ElementAt<T>(indices);

    /// <inheritdoc cref="SharedArray{T}.AsSpan"/>
    public ReadOnlySpan<T> AsSpan(long start, int length) => SpanOf<T>(start, length);

    /// <inheritdoc cref="SharedArray{T}.AsReadOnlyTensorSpan"/>
    public ReadOnlyTensorSpan<T> AsReadOnlyTensorSpan() => TensorShape.Over((T*)Data, Header);

    /// <inheritdoc cref="SharedArray{T}.AsTensorSpan(ReadOnlySpan{NRange})"/>
    public ReadOnlyTensorSpan<T> AsReadOnlyTensorSpan(params ReadOnlySpan<NRange> ranges) => AsReadOnlyTensorSpan().Slice(CheckRanges(ranges));

    /// <inheritdoc cref="SharedArray{T}.Row"/>
    public ReadOnlySpan<T> Row(long index) => RowOf<T>(index);

    /// <inheritdoc cref="SharedArray{T}.RowTensor"/>
    public ReadOnlyTensorSpan<T> RowTensor(long index) => RowTensorOf<T>(index);

    /// <inheritdoc cref="SharedArray{T}.Reshape"/>
    public ReadOnlyTensorSpan<T> Reshape(params long[] shape) => ReshapeOf<T>(shape);

    /// <inheritdoc cref="SharedArray{T}.View"/>
    public ReadOnlyTensorSpan<TOther> View<TOther>()
        where TOther : unmanaged
        => ViewOf<T, TOther>();

    /// <inheritdoc cref="SharedArray{T}.Acquire"/>
    public ReadOnlySharedArrayLease<T> Acquire() => new(AcquireSegment().Token(), Header);

    /// <inheritdoc cref="SharedArray{T}.CopyTo"/>
    public void CopyTo(Span<T> destination, long start = 0) => CopyOut(destination, start);

    /// <inheritdoc cref="SharedArray{T}.ToArray"/>
    public T[] ToArray() => CopyOut<T>();

    /// <inheritdoc/>
    public override object GetValue(long index) => ElementValue.Box(Get<T>(index));

    /// <inheritdoc/>
    public override void SetValue(object value, long index) => throw new NotSupportedException($"'{Name}' is attached to read only.");

    /// <summary>Goes through the elements in C order, as references to the shared memory itself.</summary>
    /// <returns>The enumerator.</returns>
    public Enumerator GetEnumerator() => new(this);

    /// <inheritdoc/>
    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ElementsOf<T>();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<T>)this).GetEnumerator();

    /// <summary>Goes through the elements of an array.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySharedArray<T> _array;
        private long _index;

        internal Enumerator(ReadOnlySharedArray<T> array)
        {
            _array = array;
            _index = -1;
        }

        /// <summary>Gets the current element: the shared memory itself.</summary>
        public readonly ref readonly T Current => ref _array.ElementInOrder<T>(_index);

        /// <summary>Goes to the next element.</summary>
        /// <returns><see langword="false"/> at the end.</returns>
        public bool MoveNext() => ++_index < _array.Length;
    }
}
