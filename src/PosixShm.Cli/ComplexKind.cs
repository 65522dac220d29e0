using System.Numerics;
using System.Text.Json;

namespace PosixShm.Cli;

/// <summary>Complex numbers, in text as Python writes them: <c>1.5-2j</c>.</summary>
internal sealed class ComplexKind<T, TPart>(
    string name, string notation, Func<TPart, TPart, T> join, Func<T, (TPart Real, TPart Imaginary)> split) : ElementKind<T>(name, notation)
    where T : unmanaged
    where TPart : unmanaged, IBinaryFloatingPointIeee754<TPart>, IMinMaxValue<TPart>
{
    protected override string Example => "a number such as 1.5, 2j or 1.5-2j";

    protected override bool TryParse(string text, out T value)
    {
        ReadOnlySpan<char> number = text is ['(', .., ')'] ? text.AsSpan()[1..^1] : text;
        TPart real = TPart.Zero;
        TPart imaginary = TPart.Zero;
        bool isNumber;
        if (number is [.., 'j' or 'J'])
        {
            number = number[..^1];
            int sign = StartOfImaginary(number);
            isNumber = (sign == 0 || FloatText<TPart>.TryParse(number[..sign], out real))
                && FloatText<TPart>.TryParse(number[sign..], out imaginary);
        }
        else
        {
            isNumber = FloatText<TPart>.TryParse(number, out real);
        }

        value = join(real, imaginary);
        return isNumber;
    }

    protected override void WriteJson(Utf8JsonWriter writer, T value)
    {
        (TPart real, TPart imaginary) = split(value);
        writer.WriteStartArray();
        FloatText<TPart>.WriteJson(writer, real);
        FloatText<TPart>.WriteJson(writer, imaginary);
        writer.WriteEndArray();
    }

    protected override string Format(T value)
    {
        (TPart real, TPart imaginary) = split(value);
        string sign = TPart.IsNegative(imaginary) && !TPart.IsNaN(imaginary) ? string.Empty : "+";
        return $"{FloatText<TPart>.Format(real)}{sign}{FloatText<TPart>.Format(imaginary)}j";
    }

    // The last sign that is not an exponent's; 0 if there is no real part.
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
