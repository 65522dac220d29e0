using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>Views and copies of the frames of a stream.</summary>
internal static unsafe class FrameView
{
    /// <summary>Returns the number of elements of a frame, as the length of a span.</summary>
    /// <exception cref="InvalidOperationException">A span cannot be that long.</exception>
    public static int SpanLength(FrameStream stream)
        => stream.FrameLength <= int.MaxValue
            ? (int)stream.FrameLength
            : throw new InvalidOperationException(
                $"A frame of '{stream.Name}' has {stream.FrameLength} elements, and a span at most {int.MaxValue}: use a tensor.");

    /// <summary>Checks a destination before anything is copied.</summary>
    public static void CheckDestination(FrameStream stream, int length, string parameter)
    {
        if (length < stream.FrameLength)
        {
            throw new ArgumentException(
                $"A frame of '{stream.Name}' has {stream.FrameLength} elements, and the destination has {length}.", parameter);
        }
    }

    /// <summary>Copies a frame. False if it was overwritten meanwhile, and then the copy is worthless.</summary>
    /// <exception cref="SharedMemoryLostException">The memory of the stream, or of the destination, is lost.</exception>
    public static bool TryCopy<T>(FrameStream stream, ulong frame, Span<T> destination)
        where T : unmanaged
    {
        fixed (T* to = destination)
        {
            int* lost = ParallelMemory.Copy(to, stream.Slot(frame), stream.FrameBytes);
            if (lost is not null)
            {
                throw SharedMemoryLostException.Of(lost);
            }
        }

        return IsIntact(stream, frame);
    }

    /// <summary>Returns whether a frame was whole until now, after the last load of its bytes. Its slot is intact if the page behind it is:
    /// a file that was truncated or saved over has lost the page, too.</summary>
    /// <exception cref="SharedMemoryLostException">The memory of the stream is lost.</exception>
    public static bool IsIntact(FrameStream stream, ulong frame)
    {
        bool isWhole = stream.Words.IsWhole(frame, stream.Slots);
        stream.Page.ThrowIfLost();
        return isWhole;
    }
}
