using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>Checks of the lengths of frames, before anything is touched.</summary>
internal static class FrameView
{
    /// <summary>Returns the number of elements of a frame, as the length of a span.</summary>
    /// <exception cref="InvalidOperationException">A span cannot be that long.</exception>
    public static int SpanLength(FrameStream stream)
        => stream.FrameLength <= int.MaxValue
            ? (int)stream.FrameLength
            : throw new InvalidOperationException(
                $"A frame of '{stream.Name}' has {stream.FrameLength} elements, and a span at most {int.MaxValue}: use a tensor.");

    /// <summary>Checks the destination of a copy.</summary>
    /// <exception cref="ArgumentException">It is shorter than a frame.</exception>
    public static void CheckDestination(FrameStream stream, int length, string parameter)
    {
        if (length < stream.FrameLength)
        {
            throw new ArgumentException(
                $"A frame of '{stream.Name}' has {stream.FrameLength} elements, and the destination has {length}.", parameter);
        }
    }
}
