using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Keeps an array's memory mapped while it is in scope, even if another thread disposes the array. The memory is unmapped when the
/// last lease ends.</summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly unsafe ref struct SharedArrayLease<T> : IDisposable
    where T : unmanaged
{
    private readonly ArrayHeader _header;
    private readonly T* _data;
    private readonly SegmentToken? _token;
    private readonly long _turn;

    internal SharedArrayLease(SegmentToken token, ArrayHeader header)
    {
        _token = token;
        _turn = token.Begin();
        _header = header;
        _data = (T*)(token.Segment.Address + (nint)header.DataOffset);
    }

    /// <summary>Gets the elements in C order, as a span over the shared memory. It must not be used after the lease has ended.</summary>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements: use
    /// <see cref="AsTensorSpan"/>.</exception>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public Span<T> Span
    {
        get
        {
            T* data = OrderedData;
            return _header.Length <= int.MaxValue
                ? new(data, (int)_header.Length)
                : throw new InvalidOperationException(
                    $"The array has {_header.Length} elements, and a span at most {int.MaxValue}: use AsTensorSpan().");
        }
    }

    private T* Data
    {
        get
        {
            ObjectDisposedException.ThrowIf(_token is null || !_token.IsHeld(_turn), typeof(SharedArrayLease<T>));
            return _token.Segment.IsLost ? throw SharedMemoryLostException.Of(_token.Segment.Name.Value) : _data;
        }
    }

    private T* OrderedData
    {
        get
        {
            T* data = Data;
            return _header.IsFortranOrder ? throw UntypedSharedArray.NotFlat(_token!.Segment.Name.Value) : data;
        }
    }

    /// <summary>Gets a reference to an element by its index in C order.</summary>
    /// <param name="index">The index, from 0 to the array's length, exclusive.</param>
    /// <returns>A reference to the element in shared memory.</returns>
    /// <exception cref="IndexOutOfRangeException">The index is outside the array.</exception>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public ref T this[long index]
    {
        get
        {
            T* data = OrderedData;
            if (unchecked((ulong)index >= (ulong)_header.Length))
            {
                ThrowOutside(index);
            }

            return ref Unsafe.Add(ref Unsafe.AsRef<T>(data), (nint)index);
        }
    }

    [DoesNotReturn]
    private void ThrowOutside(long index)
        => throw new IndexOutOfRangeException(
            $"The array has the shape {ShapeText.Of(_header.Shape.AsSpan())}, and no element at {index}.");

    /// <summary>Gets the elements as a tensor over the shared memory, of the array's shape. It must not be used after the lease has
    /// ended.</summary>
    /// <returns>The tensor.</returns>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public TensorSpan<T> AsTensorSpan() => TensorShape.Over(Data, _header);

    /// <summary>Ends the lease and all its copies. A second call does nothing.</summary>
    public void Dispose() => _token?.End(_turn);
}
