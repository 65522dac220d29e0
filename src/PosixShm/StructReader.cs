using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PosixShm.Format;

namespace PosixShm;

/// <summary>Describes a C# struct as a numpy structured type: fields, offsets, nested structs, fixed-size buffers and padding.</summary>
internal static class StructReader
{
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Describes a struct; null, with the reason, if numpy has nothing like it.</summary>
    public static StructType? TryRead<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(out string? problem)
        where T : unmanaged
    {
        try
        {
            problem = null;
            return typeof(T).GetCustomAttribute<InlineArrayAttribute>() is InlineArrayAttribute array
                ? throw new NotSupportedException(
                    $"The elements of an array cannot be '{typeof(T)}', an inline array: numpy has such a type in fields only. "
                    + $"Create the array of its elements, with a last dimension of {array.Length}, or declare a struct with a field of it.")
                : Read(typeof(T), default(T), Unsafe.SizeOf<T>());
        }
        catch (NotSupportedException error)
        {
            problem = error.Message;
            return null;
        }
    }

    private static StructType Read([DynamicallyAccessedMembers(ElementTypes.Fields)] Type type, object zero, int size)
    {
        if (IsSystem(type))
        {
            throw new NotSupportedException($"An array cannot hold '{type}', for which numpy has no type: {Advice(type)}");
        }

        if (type.IsAutoLayout)
        {
            throw new NotSupportedException($"An array cannot hold '{type}': its fields have no fixed order. Declare a struct of your own.");
        }

        List<Field> fields = [];
        foreach (FieldInfo field in type.GetFields(Instance))
        {
            int fieldSize = RuntimeHelpers.SizeOf(field.FieldType.TypeHandle);
            fields.Add(new Field(FieldName.Of(field), TypeOf(field, zero, fieldSize), OffsetOf(field, zero, size, fieldSize)));
        }

        if (fields.Count == 0)
        {
            throw new NotSupportedException($"An array cannot hold '{type}': it has no fields.");
        }

        return new StructType(WithPadding(type, fields, size), size);
    }

    private static ElementType TypeOf(FieldInfo field, object zero, int size)
    {
        if (field.GetCustomAttribute<FixedBufferAttribute>() is FixedBufferAttribute buffer)
        {
            return new SubarrayType(ElementTypes.FindScalar(buffer.ElementType)!, [buffer.Length]);
        }

        Type type = field.FieldType;
        if (type.IsPointer || type.IsFunctionPointer)
        {
            throw new NotSupportedException(
                $"An array cannot hold '{field.DeclaringType}': its field '{field.Name}' is an address, which is of one process.");
        }

        if (ElementTypes.FindScalar(type) is ElementType scalar)
        {
            return scalar;
        }

        object nested = field.GetValue(zero)!;
        if (type.GetCustomAttribute<InlineArrayAttribute>() is InlineArrayAttribute array)
        {
            FieldInfo[] elements = KeptFields.Of(type);
            return elements.Length == 1
                ? new SubarrayType(TypeOf(elements[0], nested, size / array.Length), [array.Length])
                : throw KeptFields.Missing(field);
        }

        return ReadNested(field, nested, size);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "A struct without all its fields is refused.")]
    private static StructType ReadNested(FieldInfo field, object zero, int size)
    {
        Type type = field.FieldType;
        bool isKept = KeptFields.AreAll(field);
        if (isKept || IsSystem(type) || KeptFields.Of(type).Length > 0)
        {
            StructType read = Read(type, zero, size);
            if (isKept || KeptFields.Cover(type, read))
            {
                return read;
            }
        }

        throw KeptFields.Missing(field);
    }

    // Where a field is, the runtime tells only of types that are marshalled. So look: set the field to ones, and see which bytes changed.
    private static int OffsetOf(FieldInfo field, object zero, int size, int fieldSize)
    {
        object ones = field.GetValue(zero)!;
        BytesOf(ones, fieldSize).Fill(0xFF);
        object marked = RuntimeHelpers.GetObjectValue(zero);
        field.SetValue(marked, ones);
        return BytesOf(marked, size).IndexOfAnyExcept((byte)0);
    }

    // The bytes of a boxed struct, which lie right behind the object's header.
    private static Span<byte> BytesOf(object boxed, int size)
        => MemoryMarshal.CreateSpan(ref Unsafe.As<StrongBox<byte>>(boxed).Value, size);

    private static ImmutableArray<Field> WithPadding(Type type, List<Field> fields, int size)
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
        nameof(DateTime) or nameof(DateTimeOffset) or nameof(TimeSpan) or nameof(DateOnly) or nameof(TimeOnly) => "store ticks as long.",
        nameof(Decimal) => "store double, or a scaled long.",
        "Int128" or "UInt128" => "store a struct of two longs.",
        _ => "declare a struct of your own.",
    };
}
