using System.Text.Json;

namespace PosixShm.Cli;

/// <summary>An element type as the command line knows it: how its values are read and written as text.</summary>
/// <param name="name">numpy's name: <c>float64</c>.</param>
/// <param name="notation">numpy's notation without the byte order: <c>f8</c>.</param>
internal abstract class ElementKind(string name, string notation)
{
    public string Name { get; } = name;

    public string Notation { get; } = notation;

    public abstract Type Type { get; }

    /// <summary>Creates an array. A fill value that is none is refused before there is anything to clean up.</summary>
    public abstract void Create(string arrayName, long[] shape, string? fill);

    public abstract void WriteJson(Utf8JsonWriter writer, SharedArray array, long index);

    public abstract void WriteText(TextWriter writer, SharedArray array, long index);
}

/// <summary>An element type whose C# type is known.</summary>
internal abstract class ElementKind<T>(string name, string notation) : ElementKind(name, notation)
    where T : unmanaged
{
    public sealed override Type Type => typeof(T);

    /// <summary>Gets what a value looks like, for the message that something is none.</summary>
    protected abstract string Example { get; }

    public sealed override void Create(string arrayName, long[] shape, string? fill)
    {
        T value = default;
        if (fill is not null && !TryParse(fill, out value))
        {
            throw Failures.WrongUse($"'{fill}' is not a value of type {Name}: use {Example}.");
        }

        using SharedArray<T> array = SharedArray.Create<T>(arrayName, shape);
        if (fill is not null)
        {
            array.Fill(value);
        }
    }

    public sealed override void WriteJson(Utf8JsonWriter writer, SharedArray array, long index)
        => WriteJson(writer, ((SharedArray<T>)array)[index]);

    public sealed override void WriteText(TextWriter writer, SharedArray array, long index)
        => writer.Write(Format(((SharedArray<T>)array)[index]));

    protected abstract bool TryParse(string text, out T value);

    protected abstract void WriteJson(Utf8JsonWriter writer, T value);

    protected abstract string Format(T value);
}
