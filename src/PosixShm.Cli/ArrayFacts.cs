using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PosixShm.Cli;

/// <summary>What can be said of an array without its elements. The keys and their order are a promise to scripts: docs/CLI.md.</summary>
internal static class ArrayFacts
{
    public static string Shape(SharedArrayInfo array)
    {
        StringBuilder text = new("(");
        foreach (long length in array.Shape.AsSpan())
        {
            _ = text.Append(text.Length > 1 ? ", " : string.Empty).Append(length);
        }

        return text.Append(array.Shape.Length == 1 ? ",)" : ")").ToString();
    }

    public static string Mode(SharedArrayInfo array) => Convert.ToString((int)array.Mode, 8).PadLeft(4, '0');

    public static string? Time(DateTimeOffset? time)
        => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    public static void WriteJson(Utf8JsonWriter writer, SharedArrayInfo array)
    {
        writer.WriteString("name", array.Name);
        writer.WriteString("dtype", array.DType);
        writer.WriteStartArray("shape");
        foreach (long length in array.Shape.AsSpan())
        {
            writer.WriteNumberValue(length);
        }

        writer.WriteEndArray();
        writer.WriteNumber("bytes", array.ByteLength);
        writer.WriteString("layout", array.Layout);
        writer.WriteString("mode", Mode(array));
        writer.WriteNumber("uid", array.UserId);
        writer.WriteString("owner", Owner.NameOf(array.UserId));
        writer.WriteString("created", Time(array.Created));
        writer.WriteString("modified", Time(array.Modified));
        writer.WriteBoolean("in_use", array.IsInUse);
    }

    public static void WriteText(TextWriter writer, SharedArrayInfo array)
    {
        (string Key, string? Value)[] lines =
        [
            ("name", Printable.Of(array.Name)),
            ("dtype", Printable.Of(array.DType)),
            ("shape", Shape(array)),
            ("bytes", array.ByteLength.ToString(CultureInfo.InvariantCulture)),
            ("layout", array.Layout),
            ("mode", Mode(array)),
            ("uid", array.UserId.ToString(CultureInfo.InvariantCulture)),
            ("owner", Owner.NameOf(array.UserId)),
            ("created", Time(array.Created)),
            ("modified", Time(array.Modified)),
            ("in_use", array.IsInUse ? "true" : "false"),
        ];

        foreach ((string key, string? value) in lines)
        {
            writer.WriteLine($"{key}: {value ?? "unknown"}");
        }
    }
}
