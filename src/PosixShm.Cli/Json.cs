using System.Text.Json;

namespace PosixShm.Cli;

/// <summary>A JSON document on standard output. It is written in parts, because the text of an array may exceed memory.</summary>
internal sealed class Json
{
    private const int FlushSize = 64 * 1024;

    private Json(Utf8JsonWriter writer) => Writer = writer;

    public Utf8JsonWriter Writer { get; }

    public static void Write(Action<Json> write)
    {
        using Stream output = Output.Open();

        JsonWriterOptions options = new() { Encoder = new PrintableJson() };
        using (Utf8JsonWriter writer = new(output, options))
        {
            write(new Json(writer));
        }

        output.Write("\n"u8);
    }

    public void WriteNumberOrNull(string key, int? number)
    {
        if (number is int value)
        {
            Writer.WriteNumber(key, value);
        }
        else
        {
            Writer.WriteNull(key);
        }
    }

    public void FlushIfLarge()
    {
        if (Writer.BytesPending >= FlushSize)
        {
            Writer.Flush();
        }
    }
}
