namespace PosixShm.Segments;

/// <summary>The file that has a segment's name.</summary>
internal enum NamedFile
{
    /// <summary>The segment's own file.</summary>
    Same,

    /// <summary>Another file.</summary>
    Another,

    /// <summary>No file that can be found.</summary>
    None,
}
