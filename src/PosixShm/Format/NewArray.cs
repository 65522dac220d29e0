namespace PosixShm.Format;

/// <summary>The first and last bytes of an array to be created, and its size.</summary>
internal sealed record NewArray(ArrayHeader Header, long FileLength, byte[] Head, byte[] Tail)
{
    /// <summary>Lays an array out as an .npy file with a control page behind the elements.</summary>
    /// <exception cref="ArgumentException">The shape is none, or too large.</exception>
    public static NewArray Npy(ElementType type, ReadOnlySpan<long> shape, int locks, string shapeParameter, TimeProvider clock)
    {
        long bytes = CheckShape(type, shape, shapeParameter);
        byte[] head = NpyHeader.Write(type, shape);
        long controlOffset = Pages.RoundUp(head.Length + bytes) + ControlPage.LockPages(locks);

        long created = (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        ControlPage control = new(
            head.Length, bytes, Guid.NewGuid(), created, Environment.ProcessId, locks, ControlPage.LocksOffsetFor(locks, controlOffset));
        byte[] tail = new byte[ControlPage.Size];
        control.Write(tail);

        ArrayHeader header = new(HeaderFormat.Npy, type, [.. shape], IsFortranOrder: false, head.Length, bytes, controlOffset, control);
        return new NewArray(header, controlOffset + ControlPage.Size, head, tail);
    }

    private static long CheckShape(ElementType type, ReadOnlySpan<long> shape, string parameter)
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
}
