using System.Buffers;
using System.Collections;
using System.Numerics.Tensors;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>An array in shared memory of a known element type: the members that only read. <see cref="SharedArray{T}"/> and
/// <see cref="ReadOnlySharedArray{T}"/> inherit them.</summary>
/// <typeparam name="T">The element type.</typeparam>
public abstract unsafe partial class TypedSharedArray<T> : UntypedSharedArray, IEnumerable<T>
    where T : unmanaged
{
    private SharedMemoryManager<T>? _memory;

    private protected TypedSharedArray(AttachedArray array)
        : base(array)
    {
    }

    /// <inheritdoc/>
    public override Type ElementType => typeof(T);

    // SpanOf checks the length, because a memory cannot be longer than a span.
    private protected Memory<T> WholeMemory
    {
        get
        {
            _ = SpanOf();
            return (_memory ??= new SharedMemoryManager<T>(this)).Memory;
        }
    }

    /// <summary>Gets the elements as a read-only tensor of this <see cref="UntypedSharedArray.Shape"/>.</summary>
    /// <inheritdoc cref="SharedArray{T}.AsTensorSpan()"/>
    public ReadOnlyTensorSpan<T> AsReadOnlyTensorSpan() => TensorShape.Over((T*)Data, Header);

    /// <summary>Gets a part of the elements, by one range for each dimension, as a read-only tensor with strides.</summary>
    /// <inheritdoc cref="SharedArray{T}.AsTensorSpan(ReadOnlySpan{NRange})"/>
    public ReadOnlyTensorSpan<T> AsReadOnlyTensorSpan(params ReadOnlySpan<NRange> ranges)
        => AsReadOnlyTensorSpan().Slice(CheckRanges(ranges));

    /// <summary>Copies elements into a span, in C order, until the span is full.</summary>
    /// <param name="destination">The span to fill.</param>
    /// <param name="start">The index of the first element to copy.</param>
    /// <exception cref="ArgumentOutOfRangeException">The destination is longer than the rest of the array.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void CopyTo(Span<T> destination, long start = 0)
    {
        using Use use = new(this);
        CheckPart(start, destination.Length);
        fixed (T* to = destination)
        {
            ThrowIfLost(ElementCopy.Out(Header, sizeof(T), use.Data, start, (byte*)to, destination.Length, use.Segment.Lost));
        }

        use.ThrowIfCut();
    }

    /// <summary>Copies all elements into a new array on the managed heap, in C order.</summary>
    /// <returns>The copy.</returns>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public T[] ToArray()
    {
        ThrowIfDetached();
        T[] copy = GC.AllocateUninitializedArray<T>(SpanLength(Length, "elements"));
        CopyTo(copy);
        return copy;
    }

    /// <inheritdoc/>
    public override object GetValue(long index) => ElementValue.Box(Get(index));

    /// <inheritdoc/>
    IEnumerator<T> IEnumerable<T>.GetEnumerator()
    {
        for (long index = 0; index < Length; index++)
        {
            yield return Get(index);
        }
    }

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<T>)this).GetEnumerator();

    internal MemoryHandle Pin(int elementIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, Length);
        SegmentToken token = new(AcquireSegment());
        _ = token.Begin();
        return new MemoryHandle((T*)(token.Segment.Address + (nint)Header.DataOffset) + elementIndex, pinnable: token);
    }
}
