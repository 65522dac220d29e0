namespace PosixShm.Segments;

/// <summary>An open segment whose bytes can be read into private memory.</summary>
internal interface IByteSource
{
    /// <summary>Reads bytes. Returns the number of bytes before the end of the file.</summary>
    int Read(Span<byte> buffer, long offset);
}
