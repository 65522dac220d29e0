using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Which C# type stands for which numpy type: the one table of both.</summary>
internal static class ElementTypes
{
    /// <summary>What the trimmer must keep of an element type: structs are described field by field.</summary>
    public const DynamicallyAccessedMemberTypes Fields = DynamicallyAccessedMemberTypes.PublicFields | DynamicallyAccessedMemberTypes.NonPublicFields;

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

    // Further C# types that are written as one of numpy's. Reading, numpy's type gives the C# type of the table above.
    private static readonly (Type Type, ElementType ElementType)[] s_alsoWritten =
    [
        (typeof(nint), ScalarType.Native(ScalarType.SignedInteger, nint.Size)),
        (typeof(nuint), ScalarType.Native(ScalarType.UnsignedInteger, nuint.Size)),
        (typeof(char), ScalarType.Native(ScalarType.UnsignedInteger, sizeof(char))), // a UTF-16 code unit
        (typeof(Guid), ScalarType.Native(ScalarType.Void, 16)), // uuid.UUID(bytes_le=...)
    ];

    /// <summary>Gives the element type of a C# type.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public static ElementType Of<[DynamicallyAccessedMembers(Fields)] T>()
        where T : unmanaged
        => Cache<T>.Type ?? throw new NotSupportedException(Cache<T>.Problem);

    /// <summary>Gives the element type of a C# type that is no struct of fields, or null if there is none.</summary>
    public static ElementType? FindScalar(Type type)
    {
        Type plain = type.IsEnum ? Enum.GetUnderlyingType(type) : type;
        return Array.Find(s_all, managed => managed.Type == plain)?.ElementType
            ?? Array.Find(s_alsoWritten, pair => pair.Type == plain).ElementType;
    }

    /// <summary>Gives the C# type of an element type, or null if there is none.</summary>
    public static IManagedType? Find(ElementType type) => Array.Find(s_all, managed => managed.ElementType == type);

    /// <summary>Gives the element type by numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>f8</c>, <c>S10</c>).</summary>
    /// <exception cref="ArgumentException">There is none, or not in this machine's byte order.</exception>
    public static ElementType Parse(string dtype, string parameterName)
    {
        ArgumentException.ThrowIfNullOrEmpty(dtype, parameterName);
        if (Array.Find(s_all, managed => managed.Name == dtype) is IManagedType type)
        {
            return type.ElementType;
        }

        return ScalarType.TryParse(dtype) is ScalarType { IsNativeOrder: true, Size: > 0 } scalar
            ? scalar
            : throw new ArgumentException($"'{dtype}' is not an element type: use one of {Names}, or S and U with a length.", parameterName);
    }

    /// <summary>Makes the array of an attached one: a typed one where a C# type stands for its elements.</summary>
    public static SharedArray Wrap(AttachedArray array, SegmentAccess access)
        => Find(array.Header.Type) is IManagedType type ? type.Wrap(array, access) : new OpaqueSharedArray(array, access);

    private static string Names => string.Join(", ", s_all.Select(static type => type.Name));

    private static class Cache<[DynamicallyAccessedMembers(Fields)] T>
        where T : unmanaged
    {
        public static readonly ElementType? Type = FindScalar(typeof(T)) ?? StructReader.TryRead<T>(out Problem);

        public static readonly string? Problem;
    }
}
