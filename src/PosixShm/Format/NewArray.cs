namespace PosixShm.Format;

/// <summary>The first and last bytes of an array to be created, and its size.</summary>
internal sealed record NewArray(ArrayHeader Header, long FileLength, byte[] Head, byte[] Tail)
{
    /// <summary>Lays an array out in one of the formats.</summary>
    /// <exception cref="ArgumentException">The shape is none, or too large.</exception>
    /// <exception cref="NotSupportedException">The format cannot hold such elements.</exception>
    public static NewArray Create(
        HeaderFormat format, ElementType type, ReadOnlySpan<long> shape, int locks, string shapeParameter, TimeProvider clock)
        => format == HeaderFormat.SharedArray
            ? SharedArray(type, shape, locks, shapeParameter, clock)
            : Npy(type, shape, locks, shapeParameter, clock);

    /// <summary>Lays an array out as an .npy file with a control page behind the elements.</summary>
    /// <exception cref="ArgumentException">The shape is none, or too large.</exception>
    public static NewArray Npy(ElementType type, ReadOnlySpan<long> shape, int locks, string shapeParameter, TimeProvider clock)
    {
        long bytes = CheckShape(type, shape, shapeParameter);
        return Around(HeaderFormat.Npy, type, shape, bytes, NpyHeader.Write(type, shape), trailer: [], locks, clock);
    }

    /// <summary>Lays an array out as Python's SharedArray package does, with a control page between the elements and the trailer.</summary>
    /// <exception cref="ArgumentException">The shape is none, or too large.</exception>
    /// <exception cref="NotSupportedException">numpy has no number for the type.</exception>
    public static NewArray SharedArray(ElementType type, ReadOnlySpan<long> shape, int locks, string shapeParameter, TimeProvider clock)
    {
        if (shape.Length > SharedArrayTrailer.MaxRank)
        {
            throw new ArgumentException(
                $"An array in the SharedArray layout has at most {SharedArrayTrailer.MaxRank} dimensions, not {shape.Length}: more do not fit into a trailer for both builds of the package.",
                shapeParameter);
        }

        ScalarType stored = SharedArrayTypes.Stored(type)
            ?? throw new NotSupportedException($"The SharedArray layout has no type number for elements of {type}.");
        long bytes = CheckShape(stored, shape, shapeParameter);
        byte[] trailer = new byte[SharedArrayTrailer.Size];
        SharedArrayTrailer.Write(stored, shape, bytes, trailer);
        return Around(HeaderFormat.SharedArray, stored, shape, bytes, head: [], trailer, locks, clock);
    }

    /// <summary>Checks a shape that a caller gives, and returns the bytes of such elements.</summary>
    /// <exception cref="ArgumentException">The shape is none, or too large.</exception>
    public static long CheckShape(ElementType type, ReadOnlySpan<long> shape, string parameter)
    {
        // A gigabyte below 2^63: room for whatever header and control page surround the elements.
        const long MostBytes = long.MaxValue - (1L << 30);

        foreach (long dimension in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension, parameter);
        }

        if (shape.Length > ShapeMath.MaxRank)
        {
            throw new ArgumentException($"An array has at most {ShapeMath.MaxRank} dimensions, not {shape.Length}.", parameter);
        }

        return ShapeMath.TryByteLength(shape, type.Size, out long bytes) && bytes <= MostBytes
            ? bytes
            : throw new ArgumentException($"An array of shape {ShapeText.Of(shape)} and element type {type} is larger than 2^63 bytes.", parameter);
    }

    private static NewArray Around(
        HeaderFormat format, ElementType type, ReadOnlySpan<long> shape, long bytes, byte[] head, ReadOnlySpan<byte> trailer, int locks, TimeProvider clock)
    {
        long controlOffset = Pages.RoundUp(head.Length + bytes) + ControlPage.LockPages(locks);
        long created = (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        ControlPage control = new(
            head.Length, bytes, Guid.NewGuid(), created, Environment.ProcessId, locks, ControlPage.LocksOffsetFor(locks, controlOffset));
        byte[] tail = new byte[ControlPage.Size + trailer.Length];
        control.Write(tail);
        trailer.CopyTo(tail.AsSpan(ControlPage.Size));

        ArrayHeader header = new(format, type, [.. shape], IsFortranOrder: false, head.Length, bytes, controlOffset, control);
        return new NewArray(header, controlOffset + tail.Length, head, tail);
    }
}
