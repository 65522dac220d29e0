namespace PosixShm;

/// <content>Saving of copies, piece by piece, and to streams asynchronously.</content>
public abstract partial class UntypedSharedArray // await and yield are not allowed in an unsafe context
{
    // Bytes per write, which are a copy: smaller pieces would take more calls, and larger ones more memory.
    private const int CopiedPiece = 1 << 20;

    /// <summary>Writes the array to a stream as <see cref="Save(Stream, CancellationToken)"/> does, without blocking a thread.</summary>
    /// <param name="stream">The stream, which need not support seeking. Its synchronous methods are not called, and it is not
    /// closed.</param>
    /// <param name="cancellation">The token that ends the writing between two pieces of 1 MiB, and within a piece if the stream's
    /// <see cref="Stream.WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/> observes it, as a socket's does.</param>
    /// <returns>The task of the writing. The array must not be disposed before the task has completed.</returns>
    /// <inheritdoc cref="Save(Stream, CancellationToken)"/>
    public Task SaveAsync(Stream stream, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ThrowIfDetached();
        return WriteNpyAsync(stream, cancellation);
    }

    private async Task WriteNpyAsync(Stream stream, CancellationToken cancellation)
    {
        await stream.WriteAsync(FileHeader(), cancellation).ConfigureAwait(false);
        foreach (ReadOnlyMemory<byte> piece in CopyPieces(CopiedPiece, cancellation))
        {
            await stream.WriteAsync(piece, cancellation).ConfigureAwait(false);
        }
    }

    // Copies the elements in C order. Each piece is valid until the next one.
    private IEnumerable<ReadOnlyMemory<byte>> CopyPieces(int size, CancellationToken cancellation)
    {
        long most = Math.Max(1, size / Math.Max(1, ItemSize));
        byte[] piece = new byte[Math.Min(most, Length) * ItemSize];
        for (long start = 0; start < Length; start += most)
        {
            cancellation.ThrowIfCancellationRequested();
            Memory<byte> elements = piece.AsMemory(0, (int)(Math.Min(most, Length - start) * ItemSize));
            CopyPiece(start, elements.Span);
            yield return elements;
        }
    }
}
