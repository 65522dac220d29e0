using System.Collections.Immutable;

namespace PosixShm.Format;

/// <summary>Reads the <c>descr</c> of an .npy header: a type's notation, or a list of fields.</summary>
internal static class NpyDescription
{
    /// <summary>Reads the literal that is next. False if it is none; a literal that describes no type is a null with the reason.</summary>
    public static bool TryRead(ref PythonLiteral literal, out ElementType? type, out string problem)
    {
        // Nearly always a text, which needs not be a string.
        if (literal.IsText())
        {
            bool isText = literal.TryReadText(out ReadOnlySpan<char> text);
            type = isText ? ReadScalar(text, out problem) : Refuse(out problem);
            return isText;
        }

        object? description = literal.ReadValue();
        type = description is not null ? Read(description, out problem) : Refuse(out problem);
        return description is not null;
    }

    private static ElementType? Read(object description, out string problem)
    {
        switch (description)
        {
            case string text:
                return ReadScalar(text, out problem);
            case ImmutableArray<object> fields when fields.All(static field => field is ImmutableArray<object>):
                return ReadStruct(fields, out problem);
            case ImmutableArray<object> { Length: 2 } pair:
                return ReadSubarray(pair[0], pair[1], out problem);
            default:
                return Refuse(out problem);
        }
    }

    private static ElementType? Refuse(out string problem)
    {
        problem = "its element type is not one that numpy writes";
        return null;
    }

    private static ScalarType? ReadScalar(ReadOnlySpan<char> text, out string problem)
    {
        ScalarType? scalar = ScalarType.TryParse(text);
        problem = scalar is not null ? string.Empty
            : text.Contains('O') ? "its elements are Python objects, which are pointers into their own process"
            : $"its element type '{text}' is not known";
        return scalar;
    }

    private static StructType? ReadStruct(ImmutableArray<object> list, out string problem)
    {
        problem = "its structured type is not one that numpy writes";
        ImmutableArray<Field>.Builder fields = ImmutableArray.CreateBuilder<Field>(list.Length);
        HashSet<string> names = [];
        long offset = 0;
        foreach (ImmutableArray<object> item in list.Cast<ImmutableArray<object>>())
        {
            // A name may be a pair (title, name).
            object first = item.Length is 2 or 3 ? item[0] : false;
            string? name = first as string ?? (first is ImmutableArray<object> { Length: 2 } titled ? titled[1] as string : null);
            if (name is null || (name.Length > 0 && !names.Add(name)))
            {
                return null;
            }

            string reason;
            ElementType? type = item.Length == 3 ? ReadSubarray(item[1], item[2], out reason) : Read(item[1], out reason);
            if (type is null)
            {
                problem = $"of its field '{name}', {reason}";
                return null;
            }

            fields.Add(new Field(name, type, offset));
            offset += type.Size;
            if (offset > int.MaxValue)
            {
                return null;
            }
        }

        return fields.Count == 0 ? null : new StructType(fields.ToImmutable(), offset);
    }

    private static SubarrayType? ReadSubarray(object description, object shape, out string problem)
    {
        ImmutableArray<object> dimensions = shape is long single ? [single] : shape is ImmutableArray<object> several ? several : default;
        if (Read(description, out problem) is not ElementType element)
        {
            return null;
        }

        problem = "its sub-array has a shape that numpy does not write";
        if (dimensions.IsDefault || dimensions.Any(static dimension => dimension is not long))
        {
            return null;
        }

        ImmutableArray<long> lengths = [.. dimensions.Cast<long>()];
        return ShapeMath.TryByteLength(lengths.AsSpan(), element.Size, out long bytes) && bytes <= int.MaxValue
            ? new SubarrayType(element, lengths)
            : null;
    }
}
