using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>The .npy file of numpy, whose header precedes the elements.</summary>
internal sealed class NpyFormat() : FileFormat(ArrayLayout.Npy, ShapeMath.MaxRank, tailLength: 0)
{
    // Not in the table's class: native AOT makes it at compile time, so that its use needs no check.
    public static readonly NpyFormat Instance = new();

    public override ArrayHeader? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize, out string problem)
        => TryRead(head, fileSize, out problem);

    /// <inheritdoc cref="TryRead(ReadOnlySpan{byte}, ReadOnlySpan{byte}, long, out string)"/>
    public static ArrayHeader? TryRead(ReadOnlySpan<byte> head, long fileSize, out string problem)
    {
        problem = string.Empty;
        if (!UsualHeader.TryRead(head, out NpyHeader npy) && !NpyHeader.TryRead(head, out npy, out problem))
        {
            return null;
        }

        ReadOnlySpan<long> shape = npy.Shape.AsSpan();
        if (ShapeMath.TryByteLength(shape, npy.Type.Size, out long bytes) && bytes <= fileSize - npy.DataOffset)
        {
            bool isFortranOrder = npy.IsFortranOrder && ElementOrder.Matters(shape);
            return new ArrayHeader(Instance, npy.Type, npy.Shape, isFortranOrder, npy.DataOffset, bytes, npy.DataOffset + bytes);
        }

        problem = $"its shape {ShapeText.Of(shape)} of {npy.Type} needs more than the file's {fileSize} bytes: it was truncated or damaged";
        return null;
    }

    public override int HeadLength(ReadOnlySpan<byte> head) => NpyHeader.BytesNeeded(head);

    public override bool HasMagic(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail) => NpyHeader.HasMagic(head);

    public override byte[] WriteHead(DType stored, ReadOnlySpan<long> shape, int alignment) => NpyHeader.Write(stored, shape, alignment);
}
