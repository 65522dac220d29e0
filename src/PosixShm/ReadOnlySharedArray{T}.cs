using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using PosixShm.Arrays;

namespace PosixShm;

/// <summary>An array in shared memory, attached to this process read-only. No member writes.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <remarks>Other processes may write the elements at the same time: only this array's access is read-only.
/// <see cref="SharedArray.AttachReadOnly{T}(string, AttachOptions)"/> maps the memory so that the kernel refuses every store
/// (<c>PROT_READ</c> in <c>mmap(2)</c>), and needs read permission only. <see cref="SharedArray{T}.AsReadOnly"/> shares the mapping of a
/// writable array. For the order of the elements, see <see cref="SharedArray{T}"/>.</remarks>
[DebuggerTypeProxy(typeof(SharedArrayDebugView<>))]
public sealed unsafe class ReadOnlySharedArray<T> : TypedSharedArray<T>
    where T : unmanaged
{
    internal ReadOnlySharedArray(AttachedArray array)
        : base(array)
    {
    }

    /// <inheritdoc/>
    public override bool IsReadOnly => true;

    /// <inheritdoc cref="SharedArray{T}.Span"/>
    public ReadOnlySpan<T> Span => SpanOf();

    /// <inheritdoc cref="SharedArray{T}.Memory"/>
    public ReadOnlyMemory<T> Memory => WholeMemory;

    /// <inheritdoc cref="SharedArray{T}.this[long]"/>
    [OverloadResolutionPriority(1)] // Otherwise an int argument is ambiguous: it converts to long and to Index.
    public ref readonly T this[long index] => ref ElementAt(index);

    /// <inheritdoc cref="SharedArray{T}.this[Index]"/>
    public ref readonly T this[Index index] => ref ElementAt(index);

    /// <inheritdoc cref="SharedArray{T}.this[Range]"/>
    public ReadOnlySpan<T> this[Range range] => SpanOf(range);

    /// <inheritdoc cref="SharedArray{T}.this[long, long]"/>
    public ref readonly T this[long row, long column] => ref ElementAt(row, column);

    /// <inheritdoc cref="SharedArray{T}.this[ReadOnlySpan{long}]"/>
    public ref readonly T this[params scoped ReadOnlySpan<long> indices] => ref ElementAt(indices);

    /// <inheritdoc cref="SharedArray{T}.this[ReadOnlySpan{long}]"/>
    /// <remarks>For languages without parameter spans, such as F#.</remarks>
    public ref readonly T this[params long[] indices] => ref ElementAt(indices);

    /// <inheritdoc cref="SharedArray{T}.AsSpan"/>
    public ReadOnlySpan<T> AsSpan(long start, int length) => SpanOf(start, length);

    /// <inheritdoc cref="SharedArray{T}.Row"/>
    public ReadOnlySpan<T> Row(long index) => RowOf(index);

    /// <inheritdoc cref="SharedArray{T}.RowTensor"/>
    public ReadOnlyTensorSpan<T> RowTensor(long index) => RowTensorOf(index);

    /// <inheritdoc cref="SharedArray{T}.Reshape"/>
    public ReadOnlyTensorSpan<T> Reshape(params long[] shape) => ReshapeOf(shape);

    /// <inheritdoc cref="SharedArray{T}.View"/>
    public ReadOnlyTensorSpan<TOther> View<TOther>()
        where TOther : unmanaged
        => ViewOf<TOther>();

    /// <inheritdoc cref="SharedArray{T}.Acquire"/>
    public ReadOnlySharedArrayLease<T> Acquire() => new(AcquireSegment().Token(), Header);

    /// <inheritdoc/>
    public override void SetValue(object value, long index) => throw new NotSupportedException($"'{Name}' is attached read-only.");

    /// <inheritdoc cref="SharedArray{T}.GetEnumerator"/>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Enumerates the elements of an array.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySharedArray<T> _array;
        private long _index = -1;

        internal Enumerator(ReadOnlySharedArray<T> array) => _array = array;

        /// <summary>Gets a reference to the current element in shared memory.</summary>
        public readonly ref readonly T Current => ref _array.ElementInOrder(_index);

        /// <inheritdoc cref="SharedArray{T}.Enumerator.MoveNext"/>
        public bool MoveNext() => ++_index < _array.Length;
    }
}
