namespace PosixShm;

/// <summary>The use of an attached array's memory.</summary>
public enum SharedArrayAccess
{
    /// <summary>Reads and writes the shared memory.</summary>
    ReadWrite,

    /// <summary>Reads the shared memory. The kernel refuses every store.</summary>
    ReadOnly,

    /// <summary>Reads the shared memory. A store copies its page, and other processes do not see it.</summary>
    CopyOnWrite,
}
