using PosixShm.Arrays;
using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>Saving to files and streams.</content>
public abstract unsafe partial class UntypedSharedArray
{
    // Bytes per write: few enough for a prompt cancellation, and so many that the system calls take no noticeable time.
    private const int SavedPiece = 4 << 20;

    /// <summary>Saves the array as a plain .npy file, byte for byte as numpy's <c>np.save</c> does. An existing file is replaced.</summary>
    /// <param name="path">The path, to which nothing is added (numpy adds <c>.npy</c>). If it is a symbolic link, its target is
    /// replaced.</param>
    /// <param name="flushToDisk">Whether to wait until the file is on disk; see <c>fsync(2)</c>.</param>
    /// <param name="cancellation">The token that ends the writing.</param>
    /// <remarks>The replacement is atomic: the elements are written to a new file in the same directory, which is then renamed
    /// (<c>rename(2)</c>). After a failure, the old file is unchanged. The new file has the default owner and permissions. A process that
    /// is killed may leave a file whose name ends in <c>.posixshm-</c> and 32 digits. The file may or may not have stores of other threads
    /// and processes during the call: hold the lock to exclude them.</remarks>
    /// <exception cref="ArgumentException">The path is empty, ends in a slash, or has control characters.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory does not exist.</exception>
    /// <exception cref="IOException">The disk is full or failed, or the path is a directory, a device, a pipe or a socket.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create files in the directory.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void Save(string path, bool flushToDisk = false, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ThrowIfDetached();
        string target = new FileInfo(path).LinkTarget is null
            ? Path.GetFullPath(path)
            : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
        using SavedFile file = new(SegmentName.Parse($"file://{target}", nameof(path)));
        WriteNpy(file.Write, cancellation);
        file.Publish(flushToDisk);
    }

    /// <summary>Writes the array to a stream as a plain .npy file, byte for byte as numpy's <c>np.save</c> does.</summary>
    /// <param name="stream">The stream, which need not support seeking, such as a pipe or a socket. It is not closed.</param>
    /// <param name="cancellation">The token that ends the writing between two pieces of 4 MiB.</param>
    /// <exception cref="IOException">The stream failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled. The stream has a part of the file.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost. The stream has a part of the file, or zeros in place of
    /// elements.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void Save(Stream stream, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        WriteNpy(stream.Write, cancellation);
    }

    private void WriteNpy(Action<ReadOnlySpan<byte>> write, CancellationToken cancellation)
    {
        using Use use = new(this);
        byte* data = use.Data;
        try
        {
            write(FileHeader());
            foreach (ReadOnlyMemory<byte> piece in IsFortranOrder ? CopyPieces(SavedPiece, cancellation) : [])
            {
                write(piece.Span);
            }

            for (long start = 0; start < ByteLength && !IsFortranOrder; start += SavedPiece)
            {
                cancellation.ThrowIfCancellationRequested();
                write(new ReadOnlySpan<byte>(data + start, (int)Math.Min(SavedPiece, ByteLength - start)));
                ThrowIfLost();
            }
        }
        catch (IOException error) when (error.HResult == SegmentError.BadAddress)
        {
            // write(2) from lost memory; see LostMemory.
            use.ThrowIfCut();
            ThrowIfLost();
            throw;
        }

        use.ThrowIfCut();
    }

    // Arrays are saved in C order.
    private byte[] FileHeader() => NpyHeader.Write(Header.Type, Shape.AsSpan());

    // Copies elements in C order until the piece is full.
    private void CopyPiece(long start, Span<byte> piece)
    {
        using Use use = new(this);
        fixed (byte* copy = piece)
        {
            if (IsFortranOrder)
            {
                OrderedCopy.Run(Shape.AsSpan(), ItemSize, use.Data, start, copy, piece.Length / Math.Max(1, ItemSize), isOut: true);
            }
            else
            {
                Buffer.MemoryCopy(use.Data + (start * ItemSize), copy, piece.Length, piece.Length);
            }
        }

        ThrowIfLost();
        use.ThrowIfCut();
    }
}
