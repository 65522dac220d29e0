using System.Diagnostics.CodeAnalysis;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>The writer of a stream of frames. One thread at a time uses it.</summary>
/// <typeparam name="T">The element type.</typeparam>
public sealed unsafe class FrameWriter<T> : IDisposable
    where T : unmanaged
{
    [SuppressMessage("Usage", "CA2213", Justification = "The stream belongs to the object that opened the writer.")]
    private readonly FrameStream _stream;
    private readonly FrameWriting _writing;

    internal FrameWriter(FrameStream stream, FrameWriting writing)
    {
        _stream = stream;
        _writing = writing;
    }

    /// <summary>Gets the number of the newest frame; 0 if there is no frame.</summary>
    public long NewestNumber => unchecked((long)_writing.Committed);

    /// <summary>Opens the slot of the next frame, to be filled in place. Its content is undefined until it is filled wholly.</summary>
    /// <returns>The slot, for <c>using</c>. Without <see cref="FrameSlot{T}.Commit"/>, no frame is visible, and the next call returns the
    /// same slot.</returns>
    /// <exception cref="InvalidOperationException">The last slot is still open.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the stream's owner. No frame is visible.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="ObjectDisposedException">The writer or the stream is disposed.</exception>
    public FrameSlot<T> Reserve() => new(_stream, _writing, _writing.Begin());

    /// <summary>Copies a whole frame into the stream, and makes it visible.</summary>
    /// <param name="frame">The elements of the frame, in C order.</param>
    /// <returns>The number of the frame.</returns>
    /// <exception cref="ArgumentException">The number of elements is not that of a frame.</exception>
    /// <inheritdoc cref="Reserve"/>
    public long Publish(ReadOnlySpan<T> frame)
    {
        if (frame.Length != _stream.FrameLength)
        {
            throw new ArgumentException(
                $"A frame of '{_stream.Name}' has {_stream.FrameLength} elements, not {frame.Length}.", nameof(frame));
        }

        using FrameSlot<T> slot = Reserve();
        fixed (T* from = frame)
        {
            int* lost = ParallelMemory.Copy(slot.Data, from, _stream.FrameBytes);
            if (lost is not null)
            {
                throw SharedMemoryLostException.Of(lost);
            }
        }

        slot.Commit();
        return slot.Number;
    }

    /// <summary>Ends the writer, so that another one can open the stream. An open slot can still be committed, and ends it then.</summary>
    public void Dispose() => _writing.Close();
}
