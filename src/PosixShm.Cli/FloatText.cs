using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace PosixShm.Cli;

/// <summary>Floating-point numbers as text that gives the same number back.</summary>
internal static class FloatText<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>, IMinMaxValue<T>
{
    public static string Example => $"a number such as -1.5, 2e3, nan or -inf, up to {T.MaxValue}";

    public static bool TryParse(ReadOnlySpan<char> text, out T value)
    {
        ReadOnlySpan<char> digits = text is ['+' or '-', ..] ? text[1..] : text;
        if (digits.Equals("inf", StringComparison.OrdinalIgnoreCase) || digits.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            value = text[0] == '-' ? T.NegativeInfinity : T.PositiveInfinity;
            return true;
        }

        const NumberStyles Number = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

        // Too large a number parses as infinity, which is not what was asked for.
        return T.TryParse(text, Number, CultureInfo.InvariantCulture, out value) && !T.IsInfinity(value);
    }

    /// <summary>Writes the number's exact value, as numpy's <c>tolist</c> does: a float32 of 0.1 is not the double 0.1.</summary>
    public static void WriteJson(Utf8JsonWriter writer, T value)
    {
        double number = double.CreateChecked(value);
        if (!double.IsFinite(number))
        {
            writer.WriteStringValue(Format(value));
        }
        else if (number == 0 && double.IsNegative(number))
        {
            // The writer's "-0" is an integer to Python, and then it has no sign.
            writer.WriteRawValue("-0.0"u8, skipInputValidation: true);
        }
        else
        {
            writer.WriteNumberValue(number);
        }
    }

    public static string Format(T value) => value.ToString(null, CultureInfo.InvariantCulture);
}
