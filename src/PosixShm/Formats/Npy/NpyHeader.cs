using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using PosixShm.Elements;

namespace PosixShm.Formats;

//
//  An .npy file, by numpy.lib.format:
//
//      offset  size  field
//      0       6     magic, 0x93 "NUMPY"
//      6       1     major version: 1, 2 or 3
//      7       1     minor version: 0
//      8       2     header length, little endian (4 bytes in versions 2 and 3)
//      10      ...   header: a Python dictionary with the keys 'descr', 'fortran_order' and 'shape', spaces, a newline;
//                    Latin-1 in versions 1 and 2, UTF-8 in version 3
//      ...     ...   the elements
//
//  We write it as numpy does, to the byte. The first spaces let the first dimension grow to 21 digits. At least one more space follows, and
//  the newline ends a multiple of 64 bytes.
//
internal readonly record struct NpyHeader(DType Type, bool IsFortranOrder, ImmutableArray<long> Shape, long DataOffset)
{
    // Enough for a type with thousands of fields. By default, numpy refuses headers of more than 10,000 characters.
    private const int MaxLength = 1 << 20;

    private const int LongestOfVersion1 = ushort.MaxValue;

    // The dictionary without the spaces is shorter, unless its type is structured.
    private const int UsualLength = 256;

    // Magic, version and header length in version 1.
    private const int ShortStart = 10;

    /// <summary>Magic, version and header length in versions 2 and 3. So many bytes have the length in every version.</summary>
    public const int LongStart = 12;

    /// <summary>The offset of the elements is a multiple of this: numpy's <c>ARRAY_ALIGN</c>.</summary>
    public const int Alignment = 64;

    // numpy's GROWTH_AXIS_MAX_DIGITS.
    private const int GrowthDigits = 21;

    /// <summary>The problem of a file that is shorter than its header, as a clause.</summary>
    public const string Cut = "it ends inside its .npy header: it was truncated";

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public static bool HasMagic(ReadOnlySpan<byte> head) => head.StartsWith(Magic);

    /// <summary>Returns whether a file ends inside the magic.</summary>
    public static bool IsCutInMagic(ReadOnlySpan<byte> file) => file.Length > 0 && file.Length < Magic.Length && Magic.StartsWith(file);

    /// <summary>Returns how many bytes of the file its header needs; 0 if the header is of an unknown version, or too long.</summary>
    public static int BytesNeeded(ReadOnlySpan<byte> head)
    {
        if (!HasMagic(head) || head.Length < LongStart || head[7] != 0)
        {
            return 0;
        }

        (int start, uint length) = head[6] switch
        {
            1 => (ShortStart, BinaryPrimitives.ReadUInt16LittleEndian(head[8..])),
            2 or 3 => (LongStart, BinaryPrimitives.ReadUInt32LittleEndian(head[8..])),
            _ => (0, 0u),
        };

        return start == 0 || length > MaxLength ? 0 : start + (int)length;
    }

    /// <summary>Reads a header. Pure and bounded by the span: returns false and the reason for an invalid header.</summary>
    [SkipLocalsInit] // Only the characters that were decoded are used.
    public static bool TryRead(ReadOnlySpan<byte> head, out NpyHeader header, out string problem)
    {
        header = default;
        int end = BytesNeeded(head);
        if (head.Length < LongStart || end > head.Length)
        {
            problem = Cut;
            return false;
        }

        if (end == 0)
        {
            problem = "its .npy version or header length is not known";
            return false;
        }

        ReadOnlySpan<byte> bytes = head[(head[6] == 1 ? ShortStart : LongStart)..end];

        // Removes the padding in one search, faster than the literal reader would skip each space.
        bytes = bytes.EndsWith((byte)'\n') ? bytes[..^1] : bytes;
        bytes = bytes[..(bytes.LastIndexOfAnyExcept((byte)' ') + 1)];
        if (head[6] == 3 && !Utf8.IsValid(bytes))
        {
            problem = "its .npy header is of version 3, and not valid UTF-8";
            return false;
        }

        Encoding encoding = head[6] == 3 ? Encoding.UTF8 : Encoding.Latin1;
        Span<char> text = bytes.Length <= UsualLength ? stackalloc char[UsualLength] : new char[bytes.Length];
        text = text[..encoding.GetChars(bytes, text)];
        return TryReadDictionary(text, end, out header, out problem);
    }

    /// <summary>Writes the header of a C-ordered array, as numpy's <c>_write_array_header</c> does.</summary>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="alignment">The power of two of which the elements' offset is a multiple: numpy's, or a larger one.</param>
    [SkipLocalsInit] // Only the bytes that were written are used.
    public static byte[] Write(DType type, ReadOnlySpan<long> shape, int alignment = Alignment)
    {
        ReadOnlySpan<byte> before = "{'descr': "u8;
        ReadOnlySpan<byte> between = ", 'fortran_order': False, 'shape': "u8;
        ReadOnlySpan<byte> after = ", }"u8;
        Span<byte> shapeText = stackalloc byte[ShapeText.MaxLength];
        shapeText = shapeText[..ShapeText.Write(shape, shapeText)];
        bool isLatin = !type.Literal.AsSpan().ContainsAnyExceptInRange('\0', '\u00FF');
        Encoding encoding = isLatin ? Encoding.Latin1 : Encoding.UTF8;
        int growth = shape.IsEmpty ? 0 : GrowthDigits - shapeText[1..].IndexOf((byte)',');
        int length = before.Length + encoding.GetByteCount(type.Literal) + between.Length + shapeText.Length + after.Length + growth + 1;

        // Version 1 has two bytes less before the dictionary.
        bool isLong = PaddedLength(ShortStart, length, alignment) - ShortStart > LongestOfVersion1;
        byte version = (byte)(!isLatin ? 3 : isLong ? 2 : 1);
        int start = version == 1 ? ShortStart : LongStart;
        byte[] header = GC.AllocateUninitializedArray<byte>(PaddedLength(start, length, alignment));
        Span<byte> rest = header;
        Magic.CopyTo(rest);
        rest[6] = version;
        rest[7] = 0;

        // In version 1, the length has only two of these four bytes. The dictionary overwrites the others.
        BinaryPrimitives.WriteUInt32LittleEndian(rest[8..], (uint)(header.Length - start));
        rest = rest[start..];
        Put(before, ref rest);
        rest = rest[encoding.GetBytes(type.Literal, rest)..];
        Put(between, ref rest);
        Put(shapeText, ref rest);
        Put(after, ref rest);
        rest.Fill((byte)' ');
        rest[^1] = (byte)'\n';
        return header;

        static void Put(scoped ReadOnlySpan<byte> text, ref Span<byte> rest)
        {
            text.CopyTo(rest);
            rest = rest[text.Length..];
        }
    }

    // numpy pads even a length that is a multiple already.
    private static int PaddedLength(int start, int length, int alignment)
        => start + length + (alignment - ((start + length) % alignment));

    // The dictionary has three keys in any order, each once, and no other.
    [SkipLocalsInit] // Only the numbers that were read are used.
    private static bool TryReadDictionary(ReadOnlySpan<char> text, int dataOffset, out NpyHeader header, out string problem)
    {
        header = default;
        DType? type = null;
        string typeProblem = string.Empty;
        bool isFortranOrder = false;
        int rank = 0;
        Span<long> shape = stackalloc long[ShapeMath.MaxRank];

        PythonLiteral literal = new(text);
        Keys seen = Keys.None;
        bool isGood = literal.Take('{');
        for (bool comma = true; isGood && !literal.Take('}'); comma = literal.Take(','))
        {
            isGood = comma && literal.TryReadText(out ReadOnlySpan<char> key) && literal.Take(':') && key switch
            {
                "descr" => TrySee(Keys.Description, ref seen) && NpyDescription.TryRead(ref literal, out type, out typeProblem),
                "fortran_order" => TrySee(Keys.Order, ref seen) && literal.TryReadTruth(out isFortranOrder),
                "shape" => TrySee(Keys.Shape, ref seen) && literal.TryReadNumbers(shape, out rank),
                _ => false,
            };
        }

        problem = literal.IsTooDeep
            ? $"its element type is nested in more than {PythonLiteral.MaxDepth} brackets, the most that Python reads"
            : !isGood || !literal.IsAtEnd() || seen != Keys.All ? "its .npy header is not the dictionary that numpy writes"
            : type is null ? typeProblem
            : rank > ShapeMath.MaxRank ? TooManyDimensions(rank)
            : string.Empty;
        return problem.Length == 0
            && TryUnfold(new NpyHeader(type!, isFortranOrder, [.. shape[..rank]], dataOffset), out header, out problem);
    }

    // numpy has no array of sub-arrays: their dimensions become the array's last ones.
    private static bool TryUnfold(in NpyHeader folded, out NpyHeader header, out string problem)
    {
        problem = string.Empty;
        header = folded;
        while (header.Type is SubarrayType array)
        {
            // Only the outer dimensions would be in Fortran order. No program writes that, and numpy's own readers disagree.
            if (header.IsFortranOrder && ElementOrder.Matters(header.Shape.AsSpan()))
            {
                problem = "its elements are sub-arrays in Fortran order";
                return false;
            }

            ImmutableArray<long> shape = header.Shape.AddRange(array.Shape);
            header = header with { Type = array.Element, Shape = shape, IsFortranOrder = false };
            if (shape.Length > ShapeMath.MaxRank)
            {
                problem = TooManyDimensions(shape.Length);
                return false;
            }
        }

        return true;
    }

    private static string TooManyDimensions(int rank) => $"it has {rank} dimensions, and {ShapeMath.MaxRank} are the most";

    private static bool TrySee(Keys key, ref Keys seen)
    {
        bool isNew = (seen & key) == 0;
        seen |= key;
        return isNew;
    }

    [Flags]
    private enum Keys
    {
        None = 0,
        Description = 1,
        Order = 2,
        Shape = 4,
        All = Description | Order | Shape,
    }
}
