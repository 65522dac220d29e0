using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace PosixShm.Format;

/// <summary>The header of nearly every .npy file: an array in C order of a type without parts, in the very words of numpy. It is compared, not parsed.</summary>
internal static class UsualHeader
{
    /// <summary>Reads a dictionary with its padding. False for all that is written in other words, or wrong.</summary>
    [SkipLocalsInit] // What is taken of the shape is what was read.
    public static bool TryRead(ReadOnlySpan<byte> text, int dataOffset, out NpyHeader header)
    {
        Span<long> shape = stackalloc long[ShapeMath.MaxRank];
        ScalarType? type = null;
        int rank = 0;
        header = default;
        bool isUsual = TryTake(ref text, "{'descr': '"u8)
            && (type = ScalarType.TakeUsual(ref text)) is not null
            && TryTake(ref text, "', 'fortran_order': False, 'shape': ("u8)
            && TryTakeNumbers(ref text, shape, out rank)
            && TryTake(ref text, ", }"u8)
            && text is [.., (byte)'\n']
            && !text[..^1].ContainsAnyExcept((byte)' ');
        if (isUsual)
        {
            header = new NpyHeader(type!, IsFortranOrder: false, [.. shape[..rank]], dataOffset);
        }

        return isUsual;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> expected)
    {
        bool isThere = text.StartsWith(expected);
        text = text[(isThere ? expected.Length : 0)..];
        return isThere;
    }

    // "10,)", "2, 3)" or ")".
    private static bool TryTakeNumbers(ref ReadOnlySpan<byte> text, scoped Span<long> shape, out int rank)
    {
        for (rank = 0; text is [>= (byte)'0' and <= (byte)'9', ..] && rank < shape.Length; rank++)
        {
            if (!Utf8Parser.TryParse(text, out shape[rank], out int digits))
            {
                return false;
            }

            text = text[digits..];
            if (!TryTake(ref text, ", "u8))
            {
                // A tuple of one number, unlike a number in brackets, has a comma.
                rank++;
                return rank == 1 ? TryTake(ref text, ",)"u8) : TryTake(ref text, ")"u8);
            }
        }

        return rank == 0 && TryTake(ref text, ")"u8);
    }
}
