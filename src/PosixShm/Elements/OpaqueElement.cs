using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using PosixShm.Formats;

namespace PosixShm.Elements;

/// <summary>
/// An element for which this program has no C# type, as an object: text (U) is a <see cref="string"/>, a date or time span the <see cref="long"/> that numpy stores, and
/// anything else its bytes, those of <c>S10</c> without the zeros behind them.
/// </summary>
internal static class OpaqueElement
{
    public static object Read(DType type, ReadOnlySpan<byte> element) => type switch
    {
        ScalarType { Kind: ScalarType.UnicodeText } text => Decode(element, text.IsNativeOrder),
        ScalarType { Kind: ScalarType.Bytes } => element.TrimEnd((byte)0).ToArray(),
        ScalarType { Kind: ScalarType.DateTime or ScalarType.TimeSpan, IsNativeOrder: true } => BitConverter.ToInt64(element),
        _ => element.ToArray(),
    };

    /// <summary>Gives all bytes of an element, with zeros behind a text that is shorter.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    /// <exception cref="InvalidCastException">The value is of a type that the element cannot be.</exception>
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
            (ScalarType { Kind: not ScalarType.UnicodeText } or StructType or SubarrayType, byte[] given) when given.Length == type.Size => given,
            _ => throw new InvalidCastException($"An element of type {type} cannot be set from a {value.GetType().Name} like this one."),
        };

        if (bytes.Length > type.Size)
        {
            throw new ArgumentException($"An element of type {type} has {type.Size} bytes: {bytes.Length} are too many.", nameof(value));
        }

        byte[] element = new byte[type.Size];
        bytes.CopyTo(element, 0);
        return element;
    }

    // Half a surrogate pair is a code point to numpy and a char to .NET, so it is kept both ways; encodings would replace it.
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
            codes[count++] = PythonLiteral.CodePoint(text, ref i);
        }

        return MemoryMarshal.AsBytes(codes.AsSpan(0, count)).ToArray();
    }
}
