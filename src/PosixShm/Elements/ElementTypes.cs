using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace PosixShm.Elements;

/// <summary>The C# types and the numpy types that they stand for, in one table.</summary>
internal static unsafe class ElementTypes
{
    /// <summary>The members of an element type that the trimmer must keep: structs are described field by field.</summary>
    public const DynamicallyAccessedMemberTypes Fields
        = DynamicallyAccessedMemberTypes.PublicFields | DynamicallyAccessedMemberTypes.NonPublicFields;

    private static readonly ManagedType[] s_all =
    [
        new(typeof(bool), "bool", ScalarType.Boolean, sizeof(bool), static () => new ElementOperations<bool>()),
        new(typeof(sbyte), "int8", ScalarType.SignedInteger, sizeof(sbyte), static () => new ElementOperations<sbyte>()),
        new(typeof(short), "int16", ScalarType.SignedInteger, sizeof(short), static () => new ElementOperations<short>()),
        new(typeof(int), "int32", ScalarType.SignedInteger, sizeof(int), static () => new ElementOperations<int>()),
        new(typeof(long), "int64", ScalarType.SignedInteger, sizeof(long), static () => new ElementOperations<long>()),
        new(typeof(byte), "uint8", ScalarType.UnsignedInteger, sizeof(byte), static () => new ElementOperations<byte>()),
        new(typeof(ushort), "uint16", ScalarType.UnsignedInteger, sizeof(ushort), static () => new ElementOperations<ushort>()),
        new(typeof(uint), "uint32", ScalarType.UnsignedInteger, sizeof(uint), static () => new ElementOperations<uint>()),
        new(typeof(ulong), "uint64", ScalarType.UnsignedInteger, sizeof(ulong), static () => new ElementOperations<ulong>()),
        new(typeof(Half), "float16", ScalarType.FloatingPoint, sizeof(Half), static () => new ElementOperations<Half>()),
        new(typeof(float), "float32", ScalarType.FloatingPoint, sizeof(float), static () => new ElementOperations<float>()),
        new(typeof(double), "float64", ScalarType.FloatingPoint, sizeof(double), static () => new ElementOperations<double>()),
        new(typeof(Complex64), "complex64", ScalarType.Complex, sizeof(Complex64), static () => new ElementOperations<Complex64>()),
        new(typeof(Complex), "complex128", ScalarType.Complex, sizeof(Complex), static () => new ElementOperations<Complex>()),
    ];

    // Further C# types that are written as one of numpy's. When an array is read, numpy's type gives the C# type of the table above.
    // A generic type stands for all types that are constructed from it.
    private static readonly (Type Type, Func<Type, DType> ElementTypeOf)[] s_alsoWritten =
    [
        (typeof(nint), static _ => ScalarType.Native(ScalarType.SignedInteger, nint.Size)),
        (typeof(nuint), static _ => ScalarType.Native(ScalarType.UnsignedInteger, nuint.Size)),
        (typeof(char), static _ => ScalarType.Native(ScalarType.UnsignedInteger, sizeof(char))), // a UTF-16 code unit
        (typeof(Guid), static _ => ScalarType.Native(ScalarType.Void, 16)), // uuid.UUID(bytes_le=...)
        (typeof(DateTime64<>), StructReader.OwnElementType),
        (typeof(TimeDelta64<>), StructReader.OwnElementType),
    ];

    /// <summary>Returns the element type of a C# type.</summary>
    /// <exception cref="NotSupportedException">The C# type cannot be an element.</exception>
    public static DType Of<[DynamicallyAccessedMembers(Fields)] T>()
        where T : unmanaged
        => Cache<T>.Type ?? throw new NotSupportedException(Cache<T>.Problem);

    /// <summary>Returns the element type of a C# type that one of the tables has; null for all other types.</summary>
    /// <exception cref="NotSupportedException">Its unit is not one of numpy's.</exception>
    public static DType? FindScalar(Type type)
    {
        Type plain = type.IsEnum ? Enum.GetUnderlyingType(type) : type.IsConstructedGenericType ? type.GetGenericTypeDefinition() : type;
        return Array.Find(s_all, managed => managed.Type == plain)?.ElementType
            ?? Array.Find(s_alsoWritten, pair => pair.Type == plain).ElementTypeOf?.Invoke(type);
    }

    /// <summary>Returns the C# type of an element type; null if the table has no such type.</summary>
    public static ManagedType? Find(DType type) => Array.Find(s_all, managed => managed.ElementType == type);

    /// <summary>Returns the element type by numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>f8</c>, <c>S10</c>).</summary>
    /// <exception cref="ArgumentException">numpy has no such type, or it is not in this machine's byte order.</exception>
    public static DType Parse(string dtype, string parameterName)
    {
        ArgumentException.ThrowIfNullOrEmpty(dtype, parameterName);
        return ScalarType.TryParse(dtype) is ScalarType { IsNativeOrder: true, Size: > 0 } scalar
            ? scalar
            : throw new ArgumentException(
                $"'{dtype}' is not an element type: use one of {Names}, or S, U and V with a length, of at most {DType.MaxSize} bytes.",
                parameterName);
    }

    /// <summary>Returns the bytes of an element.</summary>
    /// <inheritdoc cref="UntypedSharedArray.SetValue(object, long)"/>
    public static byte[] Bytes(DType type, object value) => Find(type)?.Operations.Bytes(value) ?? OpaqueElement.Bytes(type, value);

    private static string Names => string.Join(", ", s_all.Select(static type => type.Name));

    private static class Cache<[DynamicallyAccessedMembers(Fields)] T>
        where T : unmanaged
    {
        // The initializer of Type also assigns this field.
        public static readonly string? Problem;

        public static readonly DType? Type = StructReader.TryRead<T>(out Problem);
    }
}
