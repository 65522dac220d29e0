namespace PosixShm;

/// <summary>When a writer of frames makes the system call that wakes sleeping readers.</summary>
public enum FrameWakeUp
{
    /// <summary><see cref="Always"/> for frames of 64 KiB or more, for which the system call costs little, and otherwise
    /// <see cref="IfMarked"/>.</summary>
    Automatic,

    /// <summary>If a reader has marked the stream before it fell asleep. A read-only reader cannot do that, and notices a frame within
    /// 1 ms.</summary>
    IfMarked,

    /// <summary>After every frame, about 0.3 microseconds each. Read-only readers wake at once, too.</summary>
    Always,
}
