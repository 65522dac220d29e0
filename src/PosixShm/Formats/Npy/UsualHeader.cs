using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>The header of nearly every .npy file, exactly as numpy writes it for a type without parts: compared, not parsed.</summary>
internal static class UsualHeader
{
    private const int MaxRank = 8;

    // The text before the numbers of the shape, for each order and type. The usual order is first.
    private static readonly (byte[] Start, ScalarType Type, bool IsFortranOrder)[] s_starts =
    [
        .. from isFortranOrder in new[] { false, true }
           from type in ScalarType.Usual
           let start = $"{{'descr': {type.Literal}, 'fortran_order': {isFortranOrder}, 'shape': ("
           select (Encoding.ASCII.GetBytes(start), type, isFortranOrder),
    ];

    // The magic and version 1.0, before the length of the dictionary.
    private static ReadOnlySpan<byte> Start => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];

    // The end of every header: at most 20 spaces for growth, and at most 64 more.
    private static ReadOnlySpan<byte> Padding
        => "                                                "u8
            + "                                                \n"u8;

    /// <summary>Reads a file's first bytes. Returns false for any other header, valid or not.</summary>
    [SkipLocalsInit] // Only the numbers that were read are used.
    public static bool TryRead(ReadOnlySpan<byte> head, out NpyHeader header)
    {
        header = default;
        ReadOnlySpan<byte> text = head;
        if (!TryTake(ref text, Start)
            || !BinaryPrimitives.TryReadUInt16LittleEndian(text, out ushort length)
            || length > text.Length - sizeof(ushort))
        {
            return false;
        }

        text = text.Slice(sizeof(ushort), length);
        int dataOffset = Start.Length + sizeof(ushort) + length;
        Span<long> shape = stackalloc long[MaxRank];
        int rank = 0;
        bool isUsual = TryTakeStart(ref text, out ScalarType? type, out bool isFortranOrder)
            && TryTakeNumbers(ref text, shape, out rank)
            && TryTake(ref text, ", }"u8)
            && text.Length <= Padding.Length
            && text.SequenceEqual(Padding[^text.Length..]);
        if (isUsual)
        {
            header = new NpyHeader(type!, isFortranOrder, [.. shape[..rank]], dataOffset);
        }

        return isUsual;
    }

    private static bool TryTakeStart(ref ReadOnlySpan<byte> text, out ScalarType? type, out bool isFortranOrder)
    {
        for (int i = 0; i < s_starts.Length; i++)
        {
            ref readonly (byte[] Start, ScalarType Type, bool IsFortranOrder) known = ref s_starts[i];
            if (TryTake(ref text, known.Start))
            {
                (type, isFortranOrder) = (known.Type, known.IsFortranOrder);
                return true;
            }
        }

        (type, isFortranOrder) = (null, false);
        return false;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> expected)
    {
        bool isThere = text.StartsWith(expected);
        text = text[(isThere ? expected.Length : 0)..];
        return isThere;
    }

    // "10,)", "2, 3)" or ")": a tuple of one number, unlike a number in brackets, has a comma.
    private static bool TryTakeNumbers(ref ReadOnlySpan<byte> text, scoped Span<long> shape, out int rank)
    {
        // No overflow: 2^63 has 19 digits.
        const int MaxDigits = 18;

        ReadOnlySpan<byte> from = text;
        rank = 0;
        int count = 0;
        long number = 0;
        int start = 0;
        for (int i = 0; i < from.Length; i++)
        {
            uint digit = unchecked((uint)(from[i] - '0'));
            if (digit <= 9)
            {
                number = unchecked((number * 10) + digit);
                continue;
            }

            text = from[i..];
            if (i == start || i - start > MaxDigits || count == shape.Length)
            {
                return i == 0 && TryTake(ref text, ")"u8);
            }

            shape[count++] = number;
            if (text is not [(byte)',', (byte)' ', ..])
            {
                rank = count;
                return TryTake(ref text, count == 1 ? ",)"u8 : ")"u8);
            }

            i++;
            start = i + 1;
            number = 0;
        }

        return false;
    }
}
