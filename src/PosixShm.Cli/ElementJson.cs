using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PosixShm.Cli;

/// <summary>Writes elements as JSON: exact numbers, as numpy's <c>tolist</c> returns them, and other elements as text. Scripts rely on the
/// form; see docs/CLI.md.</summary>
internal static class ElementJson
{
    public static void Write(Utf8JsonWriter writer, UntypedSharedArray array, long index)
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
            case not string and IConvertible value:
                writer.WriteNumberValue(value.ToInt64(CultureInfo.InvariantCulture));
                break;
            case string or byte[]:
                WriteText(writer, array.GetText(index));
                break;
            case object value:
                throw new UnreachableException($"JSON has no form for {value.GetType()}.");
        }
    }

    // Writes half of a surrogate pair as an escape, as Python does. It has no UTF-8, so the writer would refuse it.
    private static void WriteText(Utf8JsonWriter writer, string text)
    {
        int half = IndexOfHalf(text, 0);
        if (half < 0)
        {
            writer.WriteStringValue(text);
            return;
        }

        StringBuilder json = new("\"");
        int start = 0;
        for (; half >= 0; half = IndexOfHalf(text, start))
        {
            _ = json.Append(JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text[start..half]));
            _ = json.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[half]:x4}");
            start = half + 1;
        }

        _ = json.Append(JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text[start..])).Append('"');
        writer.WriteRawValue(json.ToString(), skipInputValidation: true);
    }

    private static int IndexOfHalf(string text, int start)
    {
        for (int i = start; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return i;
            }
        }

        return -1;
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
        else
        {
            // Python parses digits alone as an integer: "-0" would lose its sign, and 60055455276583570 is not 60055455276583568.0.
            string text = number.ToString("R", CultureInfo.InvariantCulture);
            bool isDigits = !text.AsSpan().ContainsAny('.', 'E');
            writer.WriteRawValue(isDigits ? text + ".0" : text, skipInputValidation: true);
        }
    }
}
