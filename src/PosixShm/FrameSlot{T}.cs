using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>The slot of the next frame of a stream, which no reader accepts before <see cref="Commit"/>.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <remarks>Spans and tensors of the slot must not be used after <see cref="Commit"/> or <see cref="Dispose"/>: a store through them would
/// change a frame that readers have accepted.</remarks>
public readonly unsafe ref struct FrameSlot<T> : IDisposable
    where T : unmanaged
{
    private readonly FrameStream? _stream;
    private readonly FrameWriting? _writing;
    private readonly long _turn;

    internal FrameSlot(FrameStream stream, FrameWriting writing, long turn)
    {
        _stream = stream;
        _writing = writing;
        _turn = turn;
        Number = unchecked((long)writing.Committed + 1);
    }

    /// <summary>Gets the number that the frame will have, from 1.</summary>
    public long Number { get; }

    /// <summary>Gets the elements of the slot in C order, as a span over the shared memory.</summary>
    /// <exception cref="InvalidOperationException">The slot has ended, or it has more than <see cref="int.MaxValue"/> elements: use
    /// <see cref="AsTensorSpan"/>.</exception>
    public Span<T> Span
    {
        get
        {
            T* data = Data;
            return new(data, FrameView.SpanLength(_stream!));
        }
    }

    internal T* Data
    {
        get
        {
            ThrowIfEnded();
            return (T*)_stream.Slot(unchecked((ulong)Number));
        }
    }

    /// <summary>Gets the elements of the slot as a tensor over the shared memory, of the frame's shape.</summary>
    /// <returns>The tensor. A frame without dimensions is a tensor of shape (1).</returns>
    /// <exception cref="InvalidOperationException">The slot has ended.</exception>
    public TensorSpan<T> AsTensorSpan()
    {
        T* data = Data;
        return TensorShape.Over(data, _stream!.FrameShape.AsSpan());
    }

    /// <summary>Makes the frame visible, wakes the readers, and ends the slot.</summary>
    /// <exception cref="InvalidOperationException">The slot has ended.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the stream's owner. The frame is not visible.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file. The frame is not
    /// visible.</exception>
    public void Commit()
    {
        ThrowIfEnded();
        _writing.Commit(_turn);
    }

    /// <summary>Ends the slot. If it was not committed, the next slot is the same one. A second call does nothing.</summary>
    public void Dispose() => _writing?.End(_turn);

    [MemberNotNull(nameof(_stream), nameof(_writing))]
    private void ThrowIfEnded()
    {
        if (_stream is null || _writing is null || !_writing.IsOpen(_turn))
        {
            throw new InvalidOperationException("The slot has ended: it was committed or disposed. Reserve the next one.");
        }
    }
}
