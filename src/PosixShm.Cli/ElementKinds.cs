using System.Numerics;

namespace PosixShm.Cli;

/// <summary>All element types.</summary>
internal static class ElementKinds
{
    private static readonly ElementKind[] s_all =
    [
        new BooleanKind(),
        new IntegerKind<sbyte>("int8", "i1"),
        new IntegerKind<short>("int16", "i2"),
        new IntegerKind<int>("int32", "i4"),
        new IntegerKind<long>("int64", "i8"),
        new IntegerKind<byte>("uint8", "u1"),
        new IntegerKind<ushort>("uint16", "u2"),
        new IntegerKind<uint>("uint32", "u4"),
        new IntegerKind<ulong>("uint64", "u8"),
        new FloatKind<Half>("float16", "f2"),
        new FloatKind<float>("float32", "f4"),
        new FloatKind<double>("float64", "f8"),
        new ComplexKind<Complex64, float>(
            "complex64", "c8", static (real, imaginary) => new(real, imaginary), static value => (value.Real, value.Imaginary)),
        new ComplexKind<Complex, double>(
            "complex128", "c16", static (real, imaginary) => new(real, imaginary), static value => (value.Real, value.Imaginary)),
    ];

    public static IEnumerable<string> Names => s_all.Select(static kind => kind.Name);

    public static ElementKind Of(Type? type) => Array.Find(s_all, kind => kind.Type == type)
        ?? throw new NotSupportedException($"Elements of type {type} cannot be shown.");

    /// <summary>Finds a type by numpy's name (<c>float64</c>) or notation (<c>f8</c>, <c>&lt;f8</c>).</summary>
    public static ElementKind Parse(string dtype)
    {
        string notation = dtype is ['<' or '|' or '=', ..] ? dtype[1..] : dtype;
        return Array.Find(s_all, kind => kind.Name == dtype || kind.Notation == notation)
            ?? throw Failures.WrongUse($"'{dtype}' is not an element type: use one of {string.Join(", ", Names)}.");
    }
}
