using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PosixShm.Cli;

/// <summary>What can be said of an array without its elements. The keys and their order are a promise to scripts: docs/CLI.md.</summary>
internal static class ArrayFacts
{
    public static string Shape(SharedArrayInfo array) => Tuple(array.Shape);

    public static string Order(SharedArrayInfo array) => array.IsFortranOrder ? "F" : "C";

    // The words of the command line, as --layout takes them.
    public static string Layout(ArrayLayout layout) => layout switch
    {
        ArrayLayout.Npy => "npy",
        ArrayLayout.PythonSharedArray => "sharedarray",
        _ => throw new ArgumentOutOfRangeException(nameof(layout), layout, null),
    };

    public static string Mode(SharedArrayInfo array) => Convert.ToString((int)array.Mode, 8).PadLeft(4, '0');

    public static string? Time(DateTimeOffset? time)
        => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    public static void WriteJson(Utf8JsonWriter writer, SharedArrayInfo array)
    {
        writer.WriteString("name", array.Name);
        writer.WriteString("dtype", array.DType);
        WriteNumbers(writer, "shape", array.Shape);
        writer.WriteNumber("bytes", array.ByteLength);
        writer.WriteString("layout", Layout(array.Layout));
        writer.WriteString("mode", Mode(array));
        writer.WriteNumber("uid", array.UserId);
        writer.WriteString("owner", Owner.NameOf(array.UserId));
        writer.WriteString("created", Time(array.Created));
        writer.WriteString("modified", Time(array.Modified));
        writer.WriteBoolean("in_use", array.IsInUse);
        writer.WriteString("order", Order(array));
        writer.WriteNumber("offset", array.DataOffset);
        WriteNumbers(writer, "strides", array.ByteStrides);
    }

    public static void WriteText(TextWriter writer, SharedArrayInfo array)
    {
        (string Key, string? Value)[] lines =
        [
            ("name", Printable.Of(array.Name)),
            ("dtype", Printable.Of(array.DType)),
            ("shape", Shape(array)),
            ("bytes", array.ByteLength.ToString(CultureInfo.InvariantCulture)),
            ("layout", Layout(array.Layout)),
            ("mode", Mode(array)),
            ("uid", array.UserId.ToString(CultureInfo.InvariantCulture)),
            ("owner", Owner.NameOf(array.UserId)),
            ("created", Time(array.Created)),
            ("modified", Time(array.Modified)),
            ("in_use", array.IsInUse ? "true" : "false"),
            ("order", Order(array)),
            ("offset", array.DataOffset.ToString(CultureInfo.InvariantCulture)),
            ("strides", Tuple(array.ByteStrides)),
        ];

        foreach ((string key, string? value) in lines)
        {
            writer.WriteLine($"{key}: {value ?? "unknown"}");
        }
    }

    private static string Tuple(ImmutableArray<long> numbers)
    {
        StringBuilder text = new("(");
        foreach (long number in numbers.AsSpan())
        {
            _ = text.Append(text.Length > 1 ? ", " : string.Empty).Append(number);
        }

        return text.Append(numbers.Length == 1 ? ",)" : ")").ToString();
    }

    private static void WriteNumbers(Utf8JsonWriter writer, string key, ImmutableArray<long> numbers)
    {
        writer.WriteStartArray(key);
        foreach (long number in numbers.AsSpan())
        {
            writer.WriteNumberValue(number);
        }

        writer.WriteEndArray();
    }
}
