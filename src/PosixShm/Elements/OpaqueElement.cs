using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace PosixShm.Elements;

/// <summary>An element for which this library has no C# type, as an object. Text (U) is a <see cref="string"/>, and a date or a time span
/// is the <see cref="long"/> that numpy stores. All others are byte arrays, and those of <c>S10</c> end before the zeros of the
/// padding.</summary>
internal static class OpaqueElement
{
    public static object Read(DType type, ReadOnlySpan<byte> element) => type switch
    {
        ScalarType { Kind: ScalarType.UnicodeText } text => Decode(element, text.IsNativeOrder),
        ScalarType { Kind: ScalarType.Bytes } => element.TrimEnd((byte)0).ToArray(),
        ScalarType { Kind: ScalarType.DateTime or ScalarType.TimeSpan, IsNativeOrder: true } => BitConverter.ToInt64(element),
        _ => element.ToArray(),
    };

    /// <summary>Returns all bytes of an element. A shorter text is padded with zeros.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    /// <exception cref="InvalidCastException">The element cannot hold a value of this type.</exception>
    /// <exception cref="ArgumentException">The value is too long. (numpy would cut it.)</exception>
    public static byte[] Bytes(DType type, object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        byte[] bytes = (type, value) switch
        {
            (ScalarType { Kind: ScalarType.UnicodeText, IsNativeOrder: true }, string text) => Encode(text),
            (ScalarType, ITime64 time) when time.ElementType == type => BitConverter.GetBytes(time.Count),
            (ScalarType { Kind: ScalarType.DateTime or ScalarType.TimeSpan, IsNativeOrder: true }, ValueType count)
                => BitConverter.GetBytes(ElementValue.Convert<long>(count)),
            (ScalarType { Kind: ScalarType.Bytes }, string text) when Ascii.IsValid(text) => Encoding.ASCII.GetBytes(text),
            (ScalarType { Kind: ScalarType.Bytes }, byte[] given) => given,
            (ScalarType { Kind: not ScalarType.UnicodeText } or StructType or SubarrayType, byte[] given) when given.Length == type.Size
                => given,
            _ => throw new InvalidCastException($"An element of type {type} cannot be set from this {value.GetType().Name}."),
        };

        if (bytes.Length > type.Size)
        {
            throw new ArgumentException($"An element of type {type} has {type.Size} bytes: {bytes.Length} are too many.", nameof(value));
        }

        byte[] element = new byte[type.Size];
        bytes.CopyTo(element, 0);
        return element;
    }

    // An unpaired surrogate is a code point in numpy and a char in .NET. Encodings would replace it; these two loops keep it.
    private static string Decode(ReadOnlySpan<byte> element, bool isNative)
    {
        StringBuilder text = new();
        for (int i = 0; i < element.Length; i += 4)
        {
            int code = BitConverter.ToInt32(element[i..]);
            code = isNative ? code : BinaryPrimitives.ReverseEndianness(code);
            _ = code is >= 0 and <= char.MaxValue
                ? text.Append((char)code)
                : text.Append(Rune.TryCreate(code, out Rune rune) ? rune : Rune.ReplacementChar);
        }

        return text.ToString().TrimEnd('\0');
    }

    private static byte[] Encode(string text)
    {
        int[] codes = new int[text.Length];
        int count = 0;
        for (int i = 0; i < text.Length; i++)
        {
            codes[count++] = PythonText.CodePoint(text, ref i);
        }

        return MemoryMarshal.AsBytes(codes.AsSpan(0, count)).ToArray();
    }
}
