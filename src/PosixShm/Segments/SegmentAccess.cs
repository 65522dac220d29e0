namespace PosixShm.Segments;

/// <summary>The access of a mapping.</summary>
internal enum SegmentAccess
{
    /// <summary>Reads and writes the memory that all processes share.</summary>
    ReadWrite,

    /// <summary>Reads the shared memory. A store is a fault.</summary>
    ReadOnly,

    /// <summary>Reads the shared memory. A store copies its page, and is visible to this process alone.</summary>
    CopyOnWrite,
}
