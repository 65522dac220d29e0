namespace PosixShm.Synchronization;

/// <summary>A reader's place in a stream, which it keeps for itself. Invariant: frames received + frames missed = frames passed.</summary>
/// <param name="first">The first frame to read, from 1.</param>
internal struct FramePosition(ulong first)
{
    private long _missedAtLast;

    /// <summary>Gets the next frame to read in order.</summary>
    public ulong Next { get; private set; } = first;

    /// <summary>Gets the last frame that was received; 0: no frame.</summary>
    public ulong Last { get; private set; }

    /// <summary>Gets the number of frames that were passed and not received.</summary>
    public long Missed { get; private set; }

    /// <summary>Passes frames that are overwritten. Goes on halfway between the oldest and the newest frame: at the oldest one, the writer
    /// would overtake the reader again at once.</summary>
    public void PassOverwritten(ulong head, ulong reserved, ulong slots)
    {
        ulong back = (slots - 2) / 2;
        ulong to = head > back ? head - back : 1;
        if (unchecked(reserved - Next) >= slots && to > Next)
        {
            Missed = unchecked(Missed + (long)(to - Next));
            Next = to;
        }
    }

    /// <summary>Passes a frame, and counts it as missed if it was not whole. All frames before it that were not passed are missed. A frame
    /// that was passed before changes nothing.</summary>
    public void Pass(ulong frame, bool isWhole)
    {
        Last = isWhole ? frame : Last;
        if (frame >= Next)
        {
            Missed = unchecked(Missed + (long)(frame - Next) + (isWhole ? 0 : 1));
            Next = unchecked(frame + 1);
        }
    }

    /// <summary>Returns the number of frames that were missed since the last call.</summary>
    public long TakeMissed()
    {
        long missed = unchecked(Missed - _missedAtLast);
        _missedAtLast = Missed;
        return missed;
    }
}
