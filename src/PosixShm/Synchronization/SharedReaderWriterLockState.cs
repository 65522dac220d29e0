namespace PosixShm.Synchronization;

/// <summary>The state of a reader-writer lock.</summary>
public enum SharedReaderWriterLockState
{
    /// <summary>No thread is inside.</summary>
    Free = 0,

    /// <summary>Attachments that are alive read. A writer may be waiting for them.</summary>
    HeldByReaders = 1,

    /// <summary>An attachment that is alive writes.</summary>
    HeldByWriter = 2,

    /// <summary>A writer died inside, and the data was not repaired since.</summary>
    Abandoned = 3,
}
