namespace PosixShm;

/// <summary>The result of a wait for a frame.</summary>
public enum FrameStatus
{
    /// <summary>A frame was copied, or the function was called on a whole one.</summary>
    Frame,

    /// <summary>No frame arrived in time.</summary>
    TimedOut,

    /// <summary>All frames were read, and the array was deleted or replaced: no writer will continue this stream. Attach it
    /// again.</summary>
    Gone,
}
