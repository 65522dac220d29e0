using System.Numerics;
using System.Text.Json;

namespace PosixShm.Cli;

internal sealed class FloatKind<T>(string name, string notation) : ElementKind<T>(name, notation)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>, IMinMaxValue<T>
{
    protected override string Example => FloatText<T>.Example;

    protected override bool TryParse(string text, out T value) => FloatText<T>.TryParse(text, out value);

    protected override void WriteJson(Utf8JsonWriter writer, T value) => FloatText<T>.WriteJson(writer, value);

    protected override string Format(T value) => FloatText<T>.Format(value);
}
