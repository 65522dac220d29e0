using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>An .npy file that is read once, from its start to the end of its elements: pipes and sockets serve.</summary>
internal sealed unsafe class NpyInput : IDisposable
{
    // Enough to find the length of the header.
    private const int Start = 12;

    // A large read of a file is one system call, and a span has at most 2 GiB.
    private const int Piece = 16 << 20;

    private readonly Stream _stream;
    private readonly Stream? _owned;
    private readonly string _what;
    private bool _isRead;

    private NpyInput(Stream stream, Stream? owned, string what, DType? expected)
    {
        _stream = stream;
        _owned = owned;
        _what = what;
        (Type, Shape) = ReadHeader(expected);
    }

    /// <summary>Gets the element type.</summary>
    public DType Type { get; }

    /// <summary>Gets the length of each dimension.</summary>
    public long[] Shape { get; }

    /// <summary>Opens a file and reads its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">The element type that it must have, or null for any.</param>
    /// <exception cref="InvalidDataException">The file is not an .npy file in C order of that type.</exception>
    public static NpyInput Open(string path, DType? expected)
    {
        FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        try
        {
            return new NpyInput(file, file, $"'{path}'", expected);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the header from a stream that its owner closes.</summary>
    /// <exception cref="InvalidDataException">The stream is not an .npy file in C order of that type.</exception>
    public static NpyInput Read(Stream stream, DType? expected) => new(stream, owned: null, "The stream", expected);

    /// <summary>Reads the elements into a new array.</summary>
    public void Fill(AttachedArray array)
    {
        if (_isRead)
        {
            // Another process created the array meanwhile and deleted it again.
            throw new IOException($"{_what} was read already, for an array that was not created.");
        }

        _isRead = true;
        long bytes = array.Header.DataLength;
        for (long done = 0; done < bytes;)
        {
            int wanted = (int)Math.Min(Piece, bytes - done);
            int count = ReadPiece(array, done, wanted);
            done += count;
            if (count < wanted)
            {
                throw new InvalidDataException(
                    $"{_what} ends after {done} of the {bytes} bytes that its shape {ShapeText.Of(Shape)} of {array.Header.Type} needs.");
            }
        }
    }

    public void Dispose() => _owned?.Dispose();

    // read(2) into a sparse array in a full file system fails with EFAULT.
    private int ReadPiece(AttachedArray array, long offset, int length)
    {
        try
        {
            return _stream.ReadAtLeast(new Span<byte>((byte*)array.Data + offset, length), length, throwOnEndOfStream: false);
        }
        catch (IOException error) when (error.HResult == SegmentError.BadAddress)
        {
            throw SegmentError.NoSpace(array.Segment.Name, array.Header.End);
        }
    }

    private (DType Type, long[] Shape) ReadHeader(DType? expected)
    {
        byte[] head = new byte[Start];
        int length = _stream.ReadAtLeast(head, Start, throwOnEndOfStream: false);
        if (NpyHeader.BytesNeeded(head.AsSpan(0, length)) is int needed && needed > Start)
        {
            Array.Resize(ref head, needed);
            length += _stream.ReadAtLeast(head.AsSpan(Start), needed - Start, throwOnEndOfStream: false);
        }

        string problem = "it does not begin as an .npy file does";
        NpyHeader header = default;
        if (!NpyHeader.HasMagic(head) || !NpyHeader.TryRead(head.AsSpan(0, length), out header, out problem))
        {
            throw new InvalidDataException($"{_what} cannot be read as an array: {problem}.");
        }

        // At most one dimension other than 1, or no elements: both orders are the same.
        bool isTransposed = header.IsFortranOrder && header.Shape.Count(static dimension => dimension != 1) > 1 && !header.Shape.Contains(0);
        return expected is not null && header.Type != expected ? throw new InvalidDataException($"{_what} holds {header.Type} elements, not {expected}.")
            : isTransposed ? throw new InvalidDataException($"{_what} is in Fortran order: convert it in Python with np.ascontiguousarray(a).")
            : (header.Type, [.. header.Shape]);
    }
}
