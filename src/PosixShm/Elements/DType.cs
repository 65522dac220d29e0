using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace PosixShm.Elements;

/// <summary>The type of an element in numpy's terms: a <c>dtype</c>. Two types are equal if numpy writes them alike.</summary>
internal abstract class DType(long size) : IEquatable<DType>
{
    /// <summary>The most bytes of one element. Their hexadecimal text is the longest string of .NET.</summary>
    public const int MaxSize = 536_870_895;

    private string? _literal;
    private string? _description;

    /// <summary>Gets the bytes of one element.</summary>
    public long Size { get; } = size;

    /// <summary>Gets numpy's own notation: <c>&lt;f8</c>, or a list of fields, in ASCII.</summary>
    public virtual string Description => _description ??= WriteTo(new StringBuilder(), isAscii: true).ToString();

    /// <summary>Gets the alignment at which numbers of up to 8 bytes are read and written whole.</summary>
    public abstract long Alignment { get; }

    /// <summary>Gets the text that stands for this type in an .npy header: a Python literal, as <c>repr</c> writes it.</summary>
    public string Literal => _literal ??= WriteTo(new StringBuilder(), isAscii: false).ToString();

    public static bool operator ==(DType? left, DType? right) => ReferenceEquals(left, right) || (left?.Equals(right) ?? false);

    public static bool operator !=(DType? left, DType? right) => !(left == right);

    public bool Equals(DType? other)
        => ReferenceEquals(this, other) || (other is not null && Size == other.Size && Description == other.Description);

    public override bool Equals(object? obj) => Equals(obj as DType);

    public override int GetHashCode() => Description.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Description;

    /// <summary>Appends the literal to a text. Strings would be copied once for each level of a nested type.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isAscii">Whether characters beyond ASCII are written as escapes, as by Python's <c>ascii</c>.</param>
    public abstract StringBuilder WriteTo(StringBuilder text, bool isAscii);
}

/// <summary>A type without parts.</summary>
internal sealed class ScalarType : DType
{
    public const char Boolean = 'b';
    public const char SignedInteger = 'i';
    public const char UnsignedInteger = 'u';
    public const char FloatingPoint = 'f';
    public const char Complex = 'c';
    public const char Bytes = 'S';
    public const char UnicodeText = 'U';
    public const char Void = 'V';
    public const char DateTime = 'M';
    public const char TimeSpan = 'm';

    private ScalarType(char order, char kind, long size, string unit)
        : base(size)
    {
        Alignment = AlignmentOf(kind, size);
        Order = order;
        Kind = kind;
        Unit = unit;
        Description = string.Create(CultureInfo.InvariantCulture, $"{order}{kind}{(kind == UnicodeText ? size / 4 : size)}{unit}");
    }

    public override string Description { get; }

    /// <summary>Gets the byte order: <c>&lt;</c>, <c>&gt;</c>, or <c>|</c> if the type has no byte order.</summary>
    public char Order { get; }

    /// <summary>Gets numpy's letter for the kind.</summary>
    public char Kind { get; }

    /// <summary>Gets the unit of a date or a time span with its brackets, as in <c>[ns]</c>; else empty.</summary>
    public string Unit { get; }

    public override long Alignment { get; }

    /// <summary>Gets whether the elements can be used in place on this machine.</summary>
    public bool IsNativeOrder => Order == '|' || Order == NativeOrder;

    private static char NativeOrder => BitConverter.IsLittleEndian ? '<' : '>';

    /// <summary>Gets the types of nearly every array, which are made once.</summary>
    public static ImmutableArray<ScalarType> Usual { get; } =
    [
        New(FloatingPoint, 8), New(FloatingPoint, 4), New(FloatingPoint, 2), New(Boolean, 1),
        New(SignedInteger, 8), New(SignedInteger, 4), New(SignedInteger, 2), New(SignedInteger, 1),
        New(UnsignedInteger, 8), New(UnsignedInteger, 4), New(UnsignedInteger, 2), New(UnsignedInteger, 1),
        New(Complex, 16), New(Complex, 8),
    ];

    /// <summary>Returns a type in this machine's byte order.</summary>
    public static ScalarType Native(char kind, long size, string unit = "")
        => Usual.FirstOrDefault(usual => usual.Kind == kind && usual.Size == size) ?? New(kind, size, unit);

    /// <summary>Reads numpy's notation or name, as in <c>&lt;f8</c>, <c>|S10</c>, <c>&gt;M8[ns]</c>, <c>float64</c>. Returns null for other
    /// texts, and for the type of Python objects.</summary>
    public static ScalarType? TryParse(ReadOnlySpan<char> text)
    {
        foreach (ScalarType usual in Usual)
        {
            if (text.SequenceEqual(usual.Description))
            {
                return usual;
            }
        }

        char order = '=';
        bool hasOrder = text is ['<' or '>' or '|' or '=', ..];
        if (hasOrder)
        {
            order = text[0];
            text = text[1..];
        }

        // numpy reads a kind after a byte order, but no name.
        text = (hasOrder && text.Length > 1 ? null : TypeNames.Notation(text)) ?? text;
        string unit = string.Empty;
        if (text.Length < 2 || !TryTakeTime(ref text, ref unit))
        {
            return null;
        }

        char kind = text[0] == 'a' ? Bytes : text[0];
        return int.TryParse(text[1..], TimeUnit.Number, CultureInfo.InvariantCulture, out int count) && IsKnown(kind, count)
            ? Make(order, kind, kind == UnicodeText ? 4L * count : count, unit)
            : null;
    }

    // "M8[ns]" and "datetime64[ns]" become "M8" and a unit; any other text is unchanged.
    private static bool TryTakeTime(ref ReadOnlySpan<char> text, ref string unit)
    {
        (string name, string code) = text[0] is 'd' or 'M' ? ("datetime64", "M8") : ("timedelta64", "m8");
        bool isNamed = text.StartsWith(name);
        if (!isNamed && !text.StartsWith(code))
        {
            return true;
        }

        string? normal = TimeUnit.Normalise(text[(isNamed ? name : code).Length..]);
        unit = normal ?? string.Empty;
        text = code;
        return normal is not null;
    }

    private static ScalarType New(char kind, long size, string unit = "") => Make('=', kind, size, unit);

    // Only a type of units larger than one byte has a byte order.
    private static ScalarType Make(char order, char kind, long size, string unit)
        => new(AlignmentOf(kind, size) <= 1 ? '|' : order is '=' or '|' ? NativeOrder : order, kind, size, unit);

    private static bool IsKnown(char kind, int count) => kind switch
    {
        Boolean => count == 1,
        SignedInteger or UnsignedInteger => count is 1 or 2 or 4 or 8,
        FloatingPoint => count is 2 or 4 or 8 or 16,
        Complex => count is 8 or 16 or 32,
        DateTime or TimeSpan => count == 8,
        UnicodeText => count is >= 0 and <= MaxSize / 4,
        Bytes or Void => count is >= 0 and <= MaxSize,
        _ => false,
    };

    private static long AlignmentOf(char kind, long size) => kind switch
    {
        Bytes or Void => 1,
        UnicodeText => 4,
        Complex => size / 2,
        Boolean or SignedInteger or UnsignedInteger or FloatingPoint or DateTime or TimeSpan => size,
        _ => throw new UnreachableException($"The kind '{kind}' has no alignment."),
    };

    public override StringBuilder WriteTo(StringBuilder text, bool isAscii) => text.Append('\'').Append(Description).Append('\'');
}

/// <summary>A fixed number of elements in one field, such as <c>('m', '&lt;f8', (2, 3))</c>.</summary>
internal sealed class SubarrayType(DType element, ImmutableArray<long> shape)
    : DType(shape.Aggregate(element.Size, static (size, dimension) => checked(size * dimension)))
{
    public DType Element { get; } = element;

    public override long Alignment => Element.Alignment;

    public ImmutableArray<long> Shape { get; } = shape;

    public override StringBuilder WriteTo(StringBuilder text, bool isAscii) => WriteParts(text.Append('('), isAscii).Append(')');

    /// <summary>Appends the element and the shape, as parts of a tuple.</summary>
    public StringBuilder WriteParts(StringBuilder text, bool isAscii)
        => Element.WriteTo(text, isAscii).Append(", ").Append(ShapeText.Of(Shape.AsSpan()));
}

/// <summary>One field of a structured type. A field without a name is padding.</summary>
internal readonly record struct Field(string Name, DType Type, long Offset);

/// <summary>A structured type: named fields one after the other, and padding as fields without a name.</summary>
internal sealed class StructType(ImmutableArray<Field> fields, long size) : DType(size)
{
    public ImmutableArray<Field> Fields { get; } = fields;

    public override long Alignment { get; } = fields.Select(static field => field.Type.Alignment).DefaultIfEmpty(1).Max();

    public override StringBuilder WriteTo(StringBuilder text, bool isAscii)
    {
        string separator = "[(";
        foreach (Field field in Fields)
        {
            _ = text.Append(separator).Append(PythonText.Quote(field.Name, isAscii)).Append(", ");
            _ = field.Type is SubarrayType array ? array.WriteParts(text, isAscii) : field.Type.WriteTo(text, isAscii);
            separator = "), (";
        }

        return text.Append(")]");
    }
}
