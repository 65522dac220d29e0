namespace PosixShm.Synchronization;

/// <summary>The state of a lock.</summary>
public enum SharedLockState
{
    /// <summary>No thread holds it.</summary>
    Free = 0,

    /// <summary>An attachment that is alive holds it.</summary>
    Held = 1,

    /// <summary>A holder died, and the data was not repaired since.</summary>
    Abandoned = 2,
}
