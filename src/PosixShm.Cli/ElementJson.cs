using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace PosixShm.Cli;

/// <summary>Elements as JSON: numbers exactly, as numpy's <c>tolist</c> gives them, and what is no number as text. A promise to scripts: docs/CLI.md.</summary>
internal static class ElementJson
{
    public static void Write(Utf8JsonWriter writer, SharedArray array, long index)
    {
        switch (array.GetValue(index))
        {
            case bool value:
                writer.WriteBooleanValue(value);
                break;
            case Half value:
                WriteNumber(writer, (double)value);
                break;
            case float value:
                WriteNumber(writer, value);
                break;
            case double value:
                WriteNumber(writer, value);
                break;
            case Complex64 value:
                WritePair(writer, value.Real, value.Imaginary);
                break;
            case Complex value:
                WritePair(writer, value.Real, value.Imaginary);
                break;
            case ulong value:
                writer.WriteNumberValue(value);
                break;
            case long value when array.ElementType is null && (value == long.MinValue || array.DType is not [_, 'm', ..]):
                writer.WriteStringValue(array.GetText(index));
                break;
            case not (string or byte[]) and IConvertible value:
                writer.WriteNumberValue(value.ToInt64(CultureInfo.InvariantCulture));
                break;
            default:
                writer.WriteStringValue(array.GetText(index));
                break;
        }
    }

    private static void WritePair(Utf8JsonWriter writer, double real, double imaginary)
    {
        writer.WriteStartArray();
        WriteNumber(writer, real);
        WriteNumber(writer, imaginary);
        writer.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter writer, double number)
    {
        if (!double.IsFinite(number))
        {
            writer.WriteStringValue(number.ToString(CultureInfo.InvariantCulture));
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
}
