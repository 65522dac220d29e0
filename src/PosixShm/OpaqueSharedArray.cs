using System.Buffers.Binary;
using System.Text;
using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>
/// An array for whose elements this program has no C# type: text, bytes, structures, dates, or the other byte order. Text is a <see cref="string"/>, a date or time span
/// the <see cref="long"/> that numpy stores, and anything else its bytes, those of <c>S10</c> without the zeros behind them.
/// </summary>
internal sealed unsafe class OpaqueSharedArray : SharedArray
{
    private readonly SegmentAccess _access;

    public OpaqueSharedArray(AttachedArray array, SegmentAccess access)
        : base(array) => _access = access;

    public override Type? ElementType => null;

    private protected override bool IsReadOnly => _access == SegmentAccess.ReadOnly;

    public override object GetValue(long index)
    {
        ReadOnlySpan<byte> bytes = Element(index);
        return Header.Type switch
        {
            ScalarType { Kind: ScalarType.UnicodeText } text => Decode(bytes, text.IsNativeOrder),
            ScalarType { Kind: ScalarType.Bytes } => bytes.TrimEnd((byte)0).ToArray(),
            ScalarType { Kind: ScalarType.DateTime or ScalarType.TimeSpan, IsNativeOrder: true } => BitConverter.ToInt64(bytes),
            _ => bytes.ToArray(),
        };
    }

    public override void SetValue(object value, long index)
    {
        if (IsReadOnly)
        {
            throw new NotSupportedException($"'{Name}' is attached to read only.");
        }

        Span<byte> element = Element(index);
        byte[] bytes = (Header.Type, value) switch
        {
            (ScalarType { Kind: ScalarType.UnicodeText, IsNativeOrder: true }, string text) => Encode(text),
            (ScalarType { Kind: ScalarType.DateTime or ScalarType.TimeSpan, IsNativeOrder: true }, long count) => BitConverter.GetBytes(count),
            (ScalarType { Kind: ScalarType.Bytes }, byte[] given) => given,
            (ScalarType { Kind: not ScalarType.UnicodeText } or StructType or SubarrayType, byte[] given) when given.Length == element.Length => given,
            _ => throw new InvalidCastException($"'{Name}' holds {DType} elements, which cannot be set from a {value?.GetType().Name ?? "null"} like this one."),
        };

        // As numpy does, except that numpy cuts what is too long.
        if (bytes.Length > element.Length)
        {
            throw new ArgumentException($"'{Name}' holds {DType} elements: {bytes.Length} bytes are too long for one.", nameof(value));
        }

        bytes.CopyTo(element);
        element[bytes.Length..].Clear();
    }

    private static string Decode(ReadOnlySpan<byte> bytes, bool isNative)
    {
        StringBuilder text = new();
        for (int i = 0; i < bytes.Length; i += 4)
        {
            int code = BitConverter.ToInt32(bytes[i..]);
            code = isNative ? code : BinaryPrimitives.ReverseEndianness(code);
            _ = text.Append(Rune.TryCreate(code, out Rune rune) ? rune : Rune.ReplacementChar);
        }

        return text.ToString().TrimEnd('\0');
    }

    private static byte[] Encode(string text) => (BitConverter.IsLittleEndian ? Encoding.UTF32 : new UTF32Encoding(bigEndian: true, byteOrderMark: false)).GetBytes(text);

    private Span<byte> Element(long index)
    {
        byte* data = Data;
        return IsOutside(index, Length)
            ? throw new IndexOutOfRangeException($"'{Name}' has the shape {ShapeText.Of(Shape.AsSpan())}, and no element at {index}.")
            : new Span<byte>(data + (index * ItemSize), ItemSize);
    }
}
