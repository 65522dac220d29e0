using System.Diagnostics;
using System.Globalization;
using System.Numerics;

namespace PosixShm.Cli;

/// <summary>Parses the value of <c>--fill</c> as an element. Numbers have Python's syntax.</summary>
internal static class FillValue
{
    public static object Parse(string text, string dtype)
    {
        Type? type = SharedArray.ElementTypeOf(dtype);
        (object? value, string example) = Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => Boolean(text),
            TypeCode.SByte => Integer<sbyte>(text),
            TypeCode.Int16 => Integer<short>(text),
            TypeCode.Int32 => Integer<int>(text),
            TypeCode.Int64 => Integer<long>(text),
            TypeCode.Byte => Integer<byte>(text),
            TypeCode.UInt16 => Integer<ushort>(text),
            TypeCode.UInt32 => Integer<uint>(text),
            TypeCode.UInt64 => Integer<ulong>(text),
            TypeCode.Single => Float<float>(text),
            TypeCode.Double => Float<double>(text),
            _ when type == typeof(Half) => Float<Half>(text),
            _ when type == typeof(Complex64) => Complex<float>(text, static (real, imaginary) => new Complex64(real, imaginary)),
            _ when type == typeof(Complex) => Complex<double>(text, static (real, imaginary) => new Complex(real, imaginary)),
            _ when type is null => (text, string.Empty),
            _ => throw new UnreachableException($"--fill has no reader for {type}."),
        };
        return value ?? throw Failures.WrongUse($"'{text}' is not a value of type {dtype}: use {example}.");
    }

    private static (object? Value, string Example) Boolean(string text)
    {
        object? value = text is "0" or "1" ? text == "1" : bool.TryParse(text, out bool truth) ? truth : null;
        return (value, "true or false");
    }

    private static (object? Value, string Example) Integer<T>(string text)
        where T : IBinaryInteger<T>, IMinMaxValue<T>
        => (T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out T? value) ? value : null,
            $"an integer from {T.MinValue} to {T.MaxValue}");

    private static (object? Value, string Example) Float<T>(string text)
        where T : IBinaryFloatingPointIeee754<T>, IMinMaxValue<T>
        => (TryParse(text, out T value) ? value : null, $"a number such as -1.5, 2e3, nan or -inf, up to {T.MaxValue}");

    private static (object? Value, string Example) Complex<T>(string text, Func<T, T, object> join)
        where T : IBinaryFloatingPointIeee754<T>
    {
        ReadOnlySpan<char> number = text is ['(', .., ')'] ? text.AsSpan()[1..^1] : text;
        T real = T.Zero;
        T imaginary = T.Zero;
        bool isNumber;
        if (number is [.., 'j' or 'J'])
        {
            number = number[..^1];
            int sign = StartOfImaginary(number);
            isNumber = (sign == 0 || TryParse(number[..sign], out real)) && TryParse(number[sign..], out imaginary);
        }
        else
        {
            isNumber = TryParse(number, out real);
        }

        return (isNumber ? join(real, imaginary) : null, "a number such as 1.5, 2j or 1.5-2j");
    }

    private static bool TryParse<T>(ReadOnlySpan<char> text, out T value)
        where T : IBinaryFloatingPointIeee754<T>
    {
        ReadOnlySpan<char> digits = text is ['+' or '-', ..] ? text[1..] : text;
        if (digits.Equals("inf", StringComparison.OrdinalIgnoreCase) || digits.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            value = text[0] == '-' ? T.NegativeInfinity : T.PositiveInfinity;
            return true;
        }

        const NumberStyles Number = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

        // A number that is too large parses as infinity, and is refused.
        bool isNumber = T.TryParse(text, Number, CultureInfo.InvariantCulture, out T? parsed) && !T.IsInfinity(parsed);
        value = parsed ?? T.Zero;
        return isNumber;
    }

    // Returns the index of the last sign that is not an exponent's; 0 without a real part.
    private static int StartOfImaginary(ReadOnlySpan<char> number)
    {
        for (int i = number.Length - 1; i > 0; i--)
        {
            if (number[i] is '+' or '-' && number[i - 1] is not ('e' or 'E'))
            {
                return i;
            }
        }

        return 0;
    }
}
