namespace PosixShm.Synchronization;

/// <summary>What a lock is.</summary>
public enum SharedLockState
{
    /// <summary>Nobody holds it.</summary>
    Free = 0,

    /// <summary>An attachment that is alive holds it.</summary>
    Held = 1,

    /// <summary>A holder died, and nobody has repaired since.</summary>
    Abandoned = 2,
}
