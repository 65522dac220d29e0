namespace PosixShm.Segments;

/// <summary>What a mapping lets its process do.</summary>
internal enum SegmentAccess
{
    /// <summary>Reads and writes what everybody sees.</summary>
    ReadWrite,

    /// <summary>Reads; a store is a fault.</summary>
    ReadOnly,

    /// <summary>Reads what everybody sees; a store copies its page, and stays in this process.</summary>
    CopyOnWrite,
}
