using System.Diagnostics.CodeAnalysis;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>An .npy file that is read once, from its start to the end of its elements, so it may be a pipe or a socket.</summary>
internal sealed unsafe class NpyInput : IDisposable
{
    // Bytes per read: large enough for few system calls. A span has at most 2 GiB.
    private const int Piece = 16 << 20;

    [SuppressMessage("Usage", "CA2213", Justification = "Dispose closes it by _owned, unless the caller owns it.")]
    private readonly Stream _stream;
    private readonly Stream? _owned;
    private readonly string _what;
    private readonly bool _isFortranOrder;
    private bool _isRead;

    private NpyInput(Stream stream, Stream? owned, string what, DType? expected)
    {
        _stream = stream;
        _owned = owned;
        _what = what;
        (Type, Shape, _isFortranOrder) = ReadHeader(expected);
    }

    public DType Type { get; }

    public long[] Shape { get; }

    /// <summary>Opens a file and reads its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">The element type that it must have, or null for any.</param>
    /// <exception cref="InvalidDataException">The file is not an .npy file of that element type.</exception>
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

    /// <summary>Reads the header from a stream that the caller closes.</summary>
    /// <exception cref="InvalidDataException">The stream is not an .npy file of that element type.</exception>
    public static NpyInput Read(Stream stream, DType? expected) => new(stream, owned: null, "The stream", expected);

    /// <summary>Reads the elements into a new array, which is in C order.</summary>
    public void Fill(AttachedArray array)
    {
        if (_isRead)
        {
            // Another process created the array after this content was read, and deleted it again.
            throw new IOException($"{_what} was already read for an array that was not created.");
        }

        _isRead = true;
        if (_isFortranOrder)
        {
            FillFromFortranOrder(array);
            return;
        }

        long bytes = array.Header.DataLength;
        for (long done = 0; done < bytes;)
        {
            int length = (int)Math.Min(Piece, bytes - done);
            ReadPiece(array, done, new Span<byte>((byte*)array.Data + done, length));
            done += length;
        }
    }

    public void Dispose() => _owned?.Dispose();

    // The file's Fortran order is C order of the reversed dimensions. In terms of these, the new array is in Fortran order.
    private void FillFromFortranOrder(AttachedArray array)
    {
        int size = checked((int)array.Header.Type.Size);
        long[] reversed = [.. Shape.Reverse()];
        int most = Math.Max(1, Piece / Math.Max(1, size));
        byte[] piece = new byte[Math.Min(most, array.Header.Length) * size];
        for (long start = 0; start < array.Header.Length; start += most)
        {
            int count = (int)Math.Min(most, array.Header.Length - start);
            ReadPiece(array, start * size, piece.AsSpan(0, count * size));
            fixed (byte* from = piece)
            {
                OrderedCopy.Run(reversed, size, (byte*)array.Data, start, from, count, isOut: false);
            }
        }
    }

    // read(2) into a sparse array in a full file system fails with EFAULT.
    private void ReadPiece(AttachedArray array, long offset, Span<byte> piece)
    {
        try
        {
            int count = _stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false);
            if (count < piece.Length)
            {
                ArrayHeader header = array.Header;
                throw new InvalidDataException(
                    $"{_what} ends after {offset + count} of the {header.DataLength} bytes "
                    + $"that its shape {ShapeText.Of(Shape)} of {header.Type} needs.");
            }
        }
        catch (IOException error) when (error.HResult == SegmentError.BadAddress)
        {
            throw SegmentError.NoSpace(array.Segment.Name, array.Header.End);
        }
    }

    private (DType Type, long[] Shape, bool IsFortranOrder) ReadHeader(DType? expected)
    {
        byte[] head = new byte[NpyHeader.LongStart];
        int length = _stream.ReadAtLeast(head, NpyHeader.LongStart, throwOnEndOfStream: false);
        if (NpyHeader.BytesNeeded(head.AsSpan(0, length)) is int needed && needed > NpyHeader.LongStart)
        {
            Array.Resize(ref head, needed);
            length += _stream.ReadAtLeast(head.AsSpan(NpyHeader.LongStart), needed - NpyHeader.LongStart, throwOnEndOfStream: false);
        }

        string problem = "it does not begin as an .npy file does";
        if (!NpyHeader.HasMagic(head) || !NpyHeader.TryRead(head.AsSpan(0, length), out NpyHeader header, out problem))
        {
            throw new InvalidDataException($"{_what} cannot be read as an array: {problem}.");
        }

        return expected is null || header.Type == expected
            ? (header.Type, [.. header.Shape], header.IsFortranOrder && ElementOrder.Matters(header.Shape.AsSpan()))
            : throw new InvalidDataException($"{_what} holds {header.Type} elements, not {expected}.");
    }
}
