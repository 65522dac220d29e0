using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Keeps an array's memory mapped while it is in scope, whoever disposes the array meanwhile: the last lease to end unmaps it.</summary>
/// <typeparam name="T">The element type.</typeparam>
public unsafe ref struct SharedArrayLease<T> : IDisposable
    where T : unmanaged
{
    private readonly ArrayHeader _header;
    private readonly T* _data;
    private Segment? _segment;

    internal SharedArrayLease(Segment segment, ArrayHeader header)
    {
        _segment = segment;
        _header = header;
        _data = (T*)(segment.Address + (nint)header.DataOffset);
    }

    /// <summary>Gets the elements, in C order: the shared memory itself, until the lease ends.</summary>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> elements: use <see cref="AsTensorSpan"/>.</exception>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public readonly Span<T> Span => _header.Length <= int.MaxValue
        ? new(Data, (int)_header.Length)
        : throw new InvalidOperationException($"The array has {_header.Length} elements, and a span at most {int.MaxValue}: use AsTensorSpan().");

    private readonly T* Data
    {
        get
        {
            ObjectDisposedException.ThrowIf(_segment is null, typeof(SharedArrayLease<T>));
            return _segment.IsLost ? throw SharedMemoryLostException.Of(_segment.Name.Value) : _data;
        }
    }

    /// <summary>Gets an element by its place in C order.</summary>
    /// <param name="index">From 0 to the array's length, exclusive.</param>
    /// <returns>A reference to the shared memory itself.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public readonly ref T this[long index]
    {
        get
        {
            T* data = Data;
            if (unchecked((ulong)index >= (ulong)_header.Length))
            {
                ThrowOutside(index);
            }

            return ref Unsafe.Add(ref Unsafe.AsRef<T>(data), (nint)index);
        }
    }

    [DoesNotReturn]
    private readonly void ThrowOutside(long index)
        => throw new IndexOutOfRangeException($"The array has the shape {ShapeText.Of(_header.Shape.AsSpan())}, and no element at {index}.");

    /// <summary>Gets the elements as a tensor of the array's shape: the shared memory itself, until the lease ends.</summary>
    /// <returns>The tensor.</returns>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public readonly TensorSpan<T> AsTensorSpan() => TensorShape.Over(Data, _header.Shape.AsSpan());

    /// <summary>Ends the lease.</summary>
    public void Dispose()
    {
        _segment?.Release();
        _segment = null;
    }
}
