using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace PosixShm.Elements;

/// <summary>Shapes as Python writes them: <c>()</c>, <c>(5,)</c>, <c>(2, 3)</c>.</summary>
internal static class ShapeText
{
    /// <summary>The length of the longest text that <see cref="Write"/> writes, in bytes.</summary>
    public const int MaxLength = 2 + (ShapeMath.MaxRank * (MaxDigits + 2));

    private const int MaxDigits = 20; // of -2^63, with its sign

    [SkipLocalsInit] // Only the bytes that were written are used.
    public static string Of(ReadOnlySpan<long> shape)
    {
        Span<byte> text = stackalloc byte[MaxLength];
        return shape.Length <= ShapeMath.MaxRank
            ? Encoding.ASCII.GetString(text[..Write(shape, text)])
            : $"({string.Join(", ", shape.ToArray())})";
    }

    /// <summary>Writes a shape of at most 64 dimensions; returns the length of the text.</summary>
    public static int Write(ReadOnlySpan<long> shape, Span<byte> text)
    {
        int length = 0;
        text[length++] = (byte)'(';
        for (int i = 0; i < shape.Length; i++)
        {
            if (i > 0)
            {
                text[length++] = (byte)',';
                text[length++] = (byte)' ';
            }

            _ = Utf8Formatter.TryFormat(shape[i], text[length..], out int digits);
            length += digits;
        }

        if (shape.Length == 1)
        {
            text[length++] = (byte)',';
        }

        text[length++] = (byte)')';
        return length;
    }
}
