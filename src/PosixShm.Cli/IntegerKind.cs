using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace PosixShm.Cli;

internal sealed class IntegerKind<T>(string name, string notation) : ElementKind<T>(name, notation)
    where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
{
    protected override string Example => $"a whole number from {T.MinValue} to {T.MaxValue}";

    protected override bool TryParse(string text, out T value)
        => T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

    protected override void WriteJson(Utf8JsonWriter writer, T value)
    {
        if (T.IsNegative(value))
        {
            writer.WriteNumberValue(long.CreateTruncating(value));
        }
        else
        {
            writer.WriteNumberValue(ulong.CreateTruncating(value));
        }
    }

    protected override string Format(T value) => value.ToString(null, CultureInfo.InvariantCulture);
}
