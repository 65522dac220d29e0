using System.Numerics;
using PosixShm.Format;

namespace PosixShm;

/// <summary>Which C# type stands for which numpy type: the one table of both.</summary>
internal static class ElementTypes
{
    private static readonly IManagedType[] s_all =
    [
        new ManagedType<bool>(ScalarType.Boolean, "bool"),
        new ManagedType<sbyte>(ScalarType.SignedInteger, "int8"),
        new ManagedType<short>(ScalarType.SignedInteger, "int16"),
        new ManagedType<int>(ScalarType.SignedInteger, "int32"),
        new ManagedType<long>(ScalarType.SignedInteger, "int64"),
        new ManagedType<byte>(ScalarType.UnsignedInteger, "uint8"),
        new ManagedType<ushort>(ScalarType.UnsignedInteger, "uint16"),
        new ManagedType<uint>(ScalarType.UnsignedInteger, "uint32"),
        new ManagedType<ulong>(ScalarType.UnsignedInteger, "uint64"),
        new ManagedType<Half>(ScalarType.FloatingPoint, "float16"),
        new ManagedType<float>(ScalarType.FloatingPoint, "float32"),
        new ManagedType<double>(ScalarType.FloatingPoint, "float64"),
        new ManagedType<Complex64>(ScalarType.Complex, "complex64"),
        new ManagedType<Complex>(ScalarType.Complex, "complex128"),
    ];

    /// <summary>Gives the element type of a C# type.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public static ElementType Of<T>()
        where T : unmanaged
        => Cache<T>.Type ?? throw new NotSupportedException(
            $"An array cannot hold '{typeof(T)}': use one of {string.Join(", ", s_all.Select(static type => type.Type.Name))}.");

    /// <summary>Gives the C# type of an element type, or null if there is none.</summary>
    public static IManagedType? Find(ElementType type) => Array.Find(s_all, managed => managed.ElementType == type);

    /// <summary>Gives the C# type by numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>f8</c>).</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static IManagedType Parse(string dtype, string parameterName)
    {
        ArgumentException.ThrowIfNullOrEmpty(dtype, parameterName);
        return Array.Find(s_all, managed => managed.Name == dtype)
            ?? (ScalarType.TryParse(dtype) is ScalarType scalar ? Find(scalar) : null)
            ?? throw new ArgumentException(
                $"'{dtype}' is not an element type: use one of {string.Join(", ", s_all.Select(static type => type.Name))}.", parameterName);
    }

    private static class Cache<T>
        where T : unmanaged
    {
        public static readonly ElementType? Type = Array.Find(s_all, static managed => managed.Type == typeof(T))?.ElementType;
    }
}
