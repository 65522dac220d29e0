using System.Globalization;
using System.Numerics;
using System.Text;
using PosixShm.Format;

namespace PosixShm;

/// <summary>Writes one element as numpy does.</summary>
internal static class ElementText
{
    /// <summary>Writes an element by itself.</summary>
    public static string Of(ElementType type, object value) => value switch
    {
        double number => Number(number),
        float number => Number(number),
        Half number => Number(number),
        Complex number => Number(number.Real, number.Imaginary),
        Complex64 number => Number(number.Real, number.Imaginary),
        long count when type is ScalarType { Kind: ScalarType.DateTime } date => DateTime64.DateText(count, date.Unit),
        long count when type is ScalarType { Kind: ScalarType.TimeSpan } => DateTime64.SpanText(count),
        byte[] bytes when type is ScalarType { Kind: ScalarType.Bytes } => Encoding.Latin1.GetString(bytes),
        byte[] bytes => Convert.ToHexStringLower(bytes),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? string.Empty,
    };

    /// <summary>Writes an element of a list: text and dates in quotes, and nothing in them that a terminal would obey.</summary>
    public static string Quoted(ElementType type, object value)
    {
        string text = Of(type, value);
        return type switch
        {
            ScalarType { Kind: ScalarType.Bytes } => $"b{Quote(text, last: '~')}",
            ScalarType { Kind: ScalarType.UnicodeText } => Quote(text, last: char.MaxValue),
            ScalarType { Kind: ScalarType.DateTime } => $"'{text}'",
            ScalarType { Kind: ScalarType.TimeSpan } when text == "NaT" => $"'{text}'",
            _ => text,
        };
    }

    /// <summary>Tells whether elements are written in columns: all but text.</summary>
    public static bool IsAligned(ElementType type) => type is not ScalarType { Kind: ScalarType.Bytes or ScalarType.UnicodeText };

    private static string Quote(string text, char last)
    {
        char mark = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        StringBuilder quoted = new();
        _ = quoted.Append(mark);
        foreach (char c in text)
        {
            _ = c == mark || c == '\\' ? quoted.Append('\\').Append(c)
                : c == '\n' ? quoted.Append("\\n")
                : c <= last && !IsInvisible(c) ? quoted.Append(c)
                : c <= 0xFF ? quoted.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}")
                : quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }

        return quoted.Append(mark).ToString();
    }

    private static bool IsInvisible(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static string Number<T>(T real, T imaginary)
        where T : IFloatingPointIeee754<T>
        => $"{Number(real)}{(T.IsNegative(imaginary) && !T.IsNaN(imaginary) ? string.Empty : "+")}{Number(imaginary)}j";

    // "1." for a number without a fraction, "1.e-05", "nan" and "inf".
    private static string Number<T>(T number)
        where T : IFloatingPointIeee754<T>
    {
        string text = number.ToString("R", CultureInfo.InvariantCulture);
        if (!T.IsFinite(number))
        {
            return T.IsNaN(number) ? "nan" : T.IsNegative(number) ? "-inf" : "inf";
        }

        if (text.Contains('.', StringComparison.Ordinal))
        {
            return text.Replace('E', 'e');
        }

        int exponent = text.IndexOf('E', StringComparison.Ordinal);
        return exponent < 0 ? $"{text}." : $"{text[..exponent]}.e{text[(exponent + 1)..]}";
    }
}
