namespace PosixShm;

/// <summary>The description of a frame that a reader received.</summary>
/// <param name="Number">The number of the frame, from 1. A writer that is killed skips no number.</param>
/// <param name="Missed">The number of frames that this reader passed without receiving them since its last description of a frame: they
/// were overwritten before or while it read them, or skipped by a read of the newest frame.</param>
public readonly record struct FrameInfo(long Number, long Missed);
