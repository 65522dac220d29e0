using System.Text.Json;

namespace PosixShm.Cli;

internal sealed class BooleanKind() : ElementKind<bool>("bool", "b1")
{
    protected override string Example => "true or false";

    protected override bool TryParse(string text, out bool value)
    {
        if (text is "0" or "1")
        {
            value = text == "1";
            return true;
        }

        return bool.TryParse(text, out value);
    }

    protected override void WriteJson(Utf8JsonWriter writer, bool value) => writer.WriteBooleanValue(value);

    protected override string Format(bool value) => value ? "true" : "false";
}
