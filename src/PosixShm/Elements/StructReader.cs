using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PosixShm.Elements;

/// <summary>Describes a C# struct as a numpy structured type: fields, offsets, nested structs, fixed-size buffers and padding.</summary>
internal static class StructReader
{
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Returns the element type of a C# type; null and the reason if numpy has no such type.</summary>
    public static DType? TryRead<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(out string? problem)
        where T : unmanaged
    {
        try
        {
            problem = null;
            return ElementTypes.FindScalar(typeof(T)) is DType scalar ? scalar
                : typeof(T).GetCustomAttribute<InlineArrayAttribute>() is InlineArrayAttribute array ? throw new NotSupportedException(
                    $"The elements of an array cannot be '{typeof(T)}', an inline array: numpy has such a type in fields only. "
                    + $"Create the array of its elements, with a last dimension of {array.Length}, or declare a struct with a field of it.")
                : Read(typeof(T));
        }
        catch (NotSupportedException error)
        {
            problem = error.Message;
            return null;
        }
    }

    /// <summary>Returns the element type of a C# type that names its own.</summary>
    public static DType OwnElementType(Type type) => ((ITime64)Boxed(type, 0)).ElementType;

    private static StructType Read([DynamicallyAccessedMembers(ElementTypes.Fields)] Type type)
    {
        if (IsSystem(type))
        {
            throw new NotSupportedException($"An array cannot hold '{type}', for which numpy has no type: {Advice(type)}");
        }

        if (type.IsAutoLayout)
        {
            throw new NotSupportedException(
                $"An array cannot hold '{type}': its fields have no fixed order. Declare a struct of your own.");
        }

        Field[] fields =
            [.. type.GetFields(Instance).Select(field => new Field(NameOf(field), TypeOf(field, field.FieldType), OffsetOf(field, type)))];
        if (fields is [])
        {
            throw new NotSupportedException($"An array cannot hold '{type}': it has no fields.");
        }

        int size = SizeOf(type);
        return new StructType(WithPadding(type, fields, size), size);
    }

    // A field without a name would be padding.
    private static string NameOf(FieldInfo field) => field.GetCustomAttribute<FieldNameAttribute>() switch
    {
        null => FieldName.Of(field),
        { Name: { Length: > 0 } name } => name,
        _ => throw new NotSupportedException(
            $"An array cannot hold '{field.DeclaringType}': [FieldName] gives its field '{field.Name}' no name."),
    };

    // The type is the field's, or the element type of one of .NET's inline arrays in the field.
    private static DType TypeOf(FieldInfo field, Type type)
    {
        if (field.GetCustomAttribute<FixedBufferAttribute>() is FixedBufferAttribute buffer)
        {
            return new SubarrayType(ElementTypes.FindScalar(buffer.ElementType)!, [buffer.Length]);
        }

        if (type.IsPointer || type.IsFunctionPointer)
        {
            throw new NotSupportedException(
                $"An array cannot hold '{field.DeclaringType}': its field '{field.Name}' is an address, which is of one process.");
        }

        if (ElementTypes.FindScalar(type) is DType scalar)
        {
            return scalar;
        }

        if (type.GetCustomAttribute<InlineArrayAttribute>() is InlineArrayAttribute array)
        {
            // .NET's InlineArray2<T> to InlineArray16<T> name their element type even if native AOT has dropped their field.
            DType element = type.Assembly == typeof(object).Assembly && type.GenericTypeArguments is [Type argument]
                ? TypeOf(field, argument)
                : KeptFields.Of(type) is [FieldInfo first] ? TypeOf(first, first.FieldType)
                : throw KeptFields.Missing(field, type);
            return new SubarrayType(element, [array.Length]);
        }

        return ReadNested(field, type);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2067", Justification = "A struct without all its fields is refused.")]
    private static StructType ReadNested(FieldInfo field, Type type)
    {
        bool isKept = KeptFields.AreAll(field, type);
        bool isReadable = isKept || IsSystem(type) || KeptFields.Of(type).Length > 0;
        return isReadable && Read(type) is StructType read && (isKept || KeptFields.Cover(type, read))
            ? read
            : throw KeptFields.Missing(field, type);
    }

    // The runtime returns the offsets of marshalled types only. Here a field of ones shows its offset in a struct of zeros.
    private static int OffsetOf(FieldInfo field, Type type)
    {
        object marked = Boxed(type, 0);
        field.SetValue(marked, Boxed(field.FieldType, 0xFF));

        // The bytes of a boxed struct lie right behind the object's header.
        return MemoryMarshal.CreateSpan(ref Unsafe.As<StrongBox<byte>>(marked).Value, SizeOf(type)).IndexOfAnyExcept((byte)0);
    }

    private static object Boxed(Type type, byte value)
    {
        byte[] bytes = new byte[SizeOf(type)];
        bytes.AsSpan().Fill(value);
        return RuntimeHelpers.Box(ref bytes[0], type.TypeHandle)!;
    }

    private static int SizeOf(Type type) => RuntimeHelpers.SizeOf(type.TypeHandle);

    private static ImmutableArray<Field> WithPadding(Type type, Field[] fields, int size)
    {
        ImmutableArray<Field>.Builder all = ImmutableArray.CreateBuilder<Field>();
        HashSet<string> names = [];
        long end = 0;
        foreach (Field field in fields.OrderBy(static field => field.Offset))
        {
            if (field.Offset < end)
            {
                throw new NotSupportedException($"An array cannot hold '{type}': its field '{field.Name}' overlaps another.");
            }

            if (!names.Add(field.Name))
            {
                throw new NotSupportedException($"An array cannot hold '{type}': two of its fields are called '{field.Name}'.");
            }

            Pad(field.Offset);
            all.Add(field);
            end = field.Offset + field.Type.Size;
        }

        Pad(size);
        return all.ToImmutable();

        void Pad(long offset)
        {
            if (offset > end)
            {
                all.Add(new Field(string.Empty, ScalarType.Native(ScalarType.Void, offset - end), end));
            }
        }
    }

    private static bool IsSystem(Type type)
        => type.IsPrimitive || (type.Assembly == typeof(object).Assembly && type.Namespace == nameof(System));

    private static string Advice(Type type) => type.Name switch
    {
        nameof(DateTime) or nameof(DateTimeOffset) or nameof(DateOnly) => "store DateTime64<Ticks>, or of another unit.",
        nameof(TimeSpan) or nameof(TimeOnly) => "store TimeDelta64<Ticks>, or of another unit.",
        nameof(Decimal) => "store double, or a scaled long.",
        "Int128" or "UInt128" => "store a struct of two longs.",
        _ => "declare a struct of your own.",
    };
}
