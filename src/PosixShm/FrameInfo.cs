namespace PosixShm;

/// <summary>The description of a frame that a reader received.</summary>
/// <param name="Number">The number of the frame, from 1. A writer that is killed skips no number.</param>
/// <param name="Missed">The number of frames between the last frame that this reader received and this one: they were overwritten before
/// they were read, or skipped by a read of the newest frame.</param>
public readonly record struct FrameInfo(long Number, long Missed);
