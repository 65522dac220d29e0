using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace PosixShm.Format;

/// <summary>The header of nearly every .npy file: an array in C order of a type without parts, in the very words of numpy. It is compared, not parsed.</summary>
internal static class UsualHeader
{
    // The magic and version 1.0, before the length of the dictionary.
    private static ReadOnlySpan<byte> Start => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];

    /// <summary>Reads a file's first bytes. False for all that is written in other words, or wrong.</summary>
    [SkipLocalsInit] // What is taken of the shape is what was read.
    public static bool TryRead(ReadOnlySpan<byte> head, out NpyHeader header)
    {
        header = default;
        ReadOnlySpan<byte> text = head;
        if (!TryTake(ref text, Start) || !BinaryPrimitives.TryReadUInt16LittleEndian(text, out ushort length) || length > text.Length - sizeof(ushort))
        {
            return false;
        }

        text = text.Slice(sizeof(ushort), length);
        int dataOffset = Start.Length + sizeof(ushort) + length;
        Span<long> shape = stackalloc long[ShapeMath.MaxRank];
        ScalarType? type = null;
        int rank = 0;
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
        rank = 0;
        while (rank < shape.Length && TryTakeNumber(ref text, out shape[rank]))
        {
            rank++;
            if (!TryTake(ref text, ", "u8))
            {
                // A tuple of one number, unlike a number in brackets, has a comma.
                return rank == 1 ? TryTake(ref text, ",)"u8) : TryTake(ref text, ")"u8);
            }
        }

        return rank == 0 && TryTake(ref text, ")"u8);
    }

    private static bool TryTakeNumber(ref ReadOnlySpan<byte> text, out long number)
    {
        // No overflow: 2^63 has 19 digits.
        const int MostDigits = 18;

        long value = 0;
        int digits = 0;
        foreach (byte character in text[..Math.Min(text.Length, MostDigits)])
        {
            uint digit = unchecked((uint)(character - '0'));
            if (digit > 9)
            {
                break;
            }

            value = unchecked((value * 10) + digit);
            digits++;
        }

        number = value;
        text = text[digits..];
        return digits > 0;
    }
}
