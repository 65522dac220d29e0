using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using PosixShm.Elements;

namespace PosixShm.Cli;

/// <summary>Writes the description of an array. Scripts rely on the keys and their order; see docs/CLI.md.</summary>
internal static class ArrayFacts
{
    // The values of --layout, and of the JSON key.
    private static readonly (string Name, ArrayLayout Layout)[] s_layouts =
    [
        ("npy", ArrayLayout.Npy),
        ("sharedarray", ArrayLayout.PythonSharedArray),
    ];

    public static string[] Layouts => [.. s_layouts.Select(static row => row.Name)];

    public static string LayoutNames => string.Join(" or ", Layouts);

    public static string Shape(SharedArrayInfo array) => ShapeText.Of(array.Shape.AsSpan());

    public static string Order(SharedArrayInfo array) => array.IsFortranOrder ? "F" : "C";

    public static string Layout(ArrayLayout layout) => s_layouts.First(row => row.Layout == layout).Name;

    public static ArrayLayout ParseLayout(string text)
    {
        int row = Array.FindIndex(s_layouts, row => row.Name == text);
        return row >= 0 ? s_layouts[row].Layout : throw Failures.WrongUse($"'{text}' is not a layout: use {LayoutNames}.");
    }

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
            ("strides", ShapeText.Of(array.ByteStrides.AsSpan())),
        ];

        foreach ((string key, string? value) in lines)
        {
            writer.WriteLine($"{key}: {value ?? "unknown"}");
        }
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
