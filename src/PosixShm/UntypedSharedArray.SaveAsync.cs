namespace PosixShm;

/// <content>Files of arrays, for streams that are written asynchronously.</content>
public abstract partial class UntypedSharedArray // not unsafe, because of await
{
    // A copy of elements: pieces as small as the bytes that a socket takes would cost more calls, and larger ones memory.
    private const int CopiedPiece = 1 << 20;

    /// <summary>Writes the array to a stream as <see cref="Save(Stream, CancellationToken)"/> does, without a blocked thread.</summary>
    /// <param name="stream">The stream, which need not seek. Its synchronous methods are not called. It is not closed.</param>
    /// <param name="cancellation">
    /// Ends the writing: between two pieces of 1 MiB, and within one if <see cref="Stream.WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    /// of the stream observes the token, as that of a socket does.
    /// </param>
    /// <returns>The task of the writing. The array must not be disposed before its end.</returns>
    /// <exception cref="IOException">The stream failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled. The stream has a part of the file.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost. The stream has a part of the file.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Task SaveAsync(Stream stream, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ThrowIfDetached();
        return WriteNpyAsync(stream, cancellation);
    }

    private async Task WriteNpyAsync(Stream stream, CancellationToken cancellation)
    {
        await stream.WriteAsync(FileHeader(), cancellation).ConfigureAwait(false);
        long most = Math.Max(1, CopiedPiece / Math.Max(1, ItemSize));
        byte[] piece = new byte[Math.Min(most, Length) * ItemSize];
        for (long start = 0; start < Length; start += most)
        {
            cancellation.ThrowIfCancellationRequested();
            int length = (int)(Math.Min(most, Length - start) * ItemSize);
            CopyPiece(start, piece.AsSpan(0, length));
            await stream.WriteAsync(piece.AsMemory(0, length), cancellation).ConfigureAwait(false);
        }
    }
}
