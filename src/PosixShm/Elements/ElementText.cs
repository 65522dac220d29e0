using System.Globalization;
using System.Numerics;
using System.Text;

namespace PosixShm.Elements;

/// <summary>Writes one element as numpy does.</summary>
internal static class ElementText
{
    /// <summary>Writes an element by itself.</summary>
    public static string Of(DType type, object value) => Number(value, isAlone: false) ?? value switch
    {
        long count when type is ScalarType { Kind: ScalarType.DateTime } date => TimeText.DateText(count, date.Unit),
        long count when type is ScalarType { Kind: ScalarType.TimeSpan } => TimeText.SpanText(count),
        byte[] bytes when type is ScalarType { Kind: ScalarType.Bytes } => Encoding.Latin1.GetString(bytes),
        byte[] bytes => Convert.ToHexStringLower(bytes),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? string.Empty,
    };

    /// <summary>Writes the element of an array without dimensions, which numpy writes as Python does: <c>1.0</c>, <c>(1+2j)</c>.</summary>
    public static string Alone(DType type, object value) => Number(value, isAlone: true) ?? Quoted(type, value);

    /// <summary>Writes an element of a list: text and dates in quotes, with escapes for control characters.</summary>
    public static string Quoted(DType type, object value)
    {
        string text = Of(type, value);
        return type switch
        {
            ScalarType { Kind: ScalarType.Bytes } => $"b{PythonText.Quote(text, isAscii: true)}",
            ScalarType { Kind: ScalarType.UnicodeText } => PythonText.Quote(text, isAscii: false),
            ScalarType { Kind: ScalarType.DateTime } => $"'{text}'",
            ScalarType { Kind: ScalarType.TimeSpan } when text == "NaT" => $"'{text}'",
            _ => text,
        };
    }

    /// <summary>Returns whether elements are written in columns, as all are but text.</summary>
    public static bool IsAligned(DType type) => type is not ScalarType { Kind: ScalarType.Bytes or ScalarType.UnicodeText };

    private static string? Number(object value, bool isAlone) => value switch
    {
        double number => isAlone ? Python(number) : Number(number),
        float number => isAlone ? Python(number) : Number(number),
        Half number => isAlone ? Python(number) : Number(number),
        Complex number => Number(number.Real, number.Imaginary, isAlone),
        Complex64 number => Number(number.Real, number.Imaginary, isAlone),
        _ => null,
    };

    // Python leaves out a real part of +0, and the fractions of whole numbers.
    private static string Number<T>(T real, T imaginary, bool isAlone)
        where T : IFloatingPointIeee754<T>
    {
        string sign = T.IsNegative(imaginary) && !T.IsNaN(imaginary) ? string.Empty : "+";
        return !isAlone ? $"{Number(real)}{sign}{Number(imaginary)}j"
            : real == T.Zero && !T.IsNegative(real) ? $"{Part(imaginary)}j"
            : $"({Part(real)}{sign}{Part(imaginary)}j)";

        static string Part(T number) => Python(number) is [.. string whole, '.', '0'] ? whole : Python(number);
    }

    // From 1e-4 to 1e16 without an exponent; .NET has limits of its own for each type.
    private static string Python<T>(T number)
        where T : IFloatingPointIeee754<T>
    {
        string text = Number(number);
        if (!T.IsFinite(number) || T.IsZero(number))
        {
            return T.IsZero(number) ? $"{text}0" : text;
        }

        // The number is 0.DIGITS times ten to the power.
        string sign = T.IsNegative(number) ? "-" : string.Empty;
        int exponent = text.IndexOf('e', StringComparison.Ordinal);
        string mantissa = exponent < 0 ? text[sign.Length..] : text[sign.Length..exponent];
        int power = exponent < 0 ? 0 : int.Parse(text.AsSpan(exponent + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string all = mantissa.Replace(".", string.Empty, StringComparison.Ordinal);
        string digits = all.TrimStart('0');
        power += mantissa.IndexOf('.', StringComparison.Ordinal) - (all.Length - digits.Length);
        digits = digits.TrimEnd('0');
        string point = digits.Length > 1 ? "." : string.Empty;
        return double.CreateTruncating(T.Abs(number)) is < 1e-4 or >= 1e16
            ? $"{sign}{digits[..1]}{point}{digits[1..]}e{(power <= 0 ? '-' : '+')}{Math.Abs(power - 1):00}"
            : power <= 0 ? $"{sign}0.{new string('0', -power)}{digits}"
            : digits.Length <= power ? $"{sign}{digits.PadRight(power, '0')}.0"
            : $"{sign}{digits[..power]}.{digits[power..]}";
    }

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
