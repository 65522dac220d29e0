using System.Numerics.Tensors;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>The work of a reader on a frame, which may be overwritten during the work. A struct, so that the call is direct.</summary>
internal interface IFrameConsumer
{
    /// <summary>Works on a frame, whose slot is mapped.</summary>
    void Consume(FrameStream stream, ulong frame);
}

/// <summary>Copies a frame.</summary>
internal readonly unsafe ref struct FrameCopy<T>(Span<T> destination) : IFrameConsumer
    where T : unmanaged
{
    private readonly Span<T> _destination = destination;

    /// <exception cref="SharedMemoryLostException">The memory of the stream, or of the destination, is lost.</exception>
    public void Consume(FrameStream stream, ulong frame)
    {
        fixed (T* to = _destination)
        {
            int* lost = ParallelMemory.Copy(to, stream.Slot(frame), stream.FrameBytes);
            if (lost is not null)
            {
                throw SharedMemoryLostException.Of(lost);
            }
        }
    }
}

/// <summary>Calls a function on a frame in place.</summary>
internal unsafe ref struct FrameUse<T, TState, TResult>(TState state, Func<ReadOnlySpan<T>, TState, TResult> use) : IFrameConsumer
    where T : unmanaged
{
    public TResult? Result { get; private set; }

    public void Consume(FrameStream stream, ulong frame)
        => Result = use(new ReadOnlySpan<T>(stream.Slot(frame), (int)stream.FrameLength), state);
}

/// <summary>Calls a function on a frame in place, as a tensor.</summary>
internal unsafe ref struct FrameTensorUse<T, TState, TResult>(
    TState state, Func<ReadOnlyTensorSpan<T>, TState, TResult> use) : IFrameConsumer
    where T : unmanaged
{
    public TResult? Result { get; private set; }

    public void Consume(FrameStream stream, ulong frame)
        => Result = use(TensorShape.Over((T*)stream.Slot(frame), stream.FrameShape.AsSpan()), state);
}
