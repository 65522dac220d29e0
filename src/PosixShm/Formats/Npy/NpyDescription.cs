using System.Collections.Immutable;
using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>Reads the <c>descr</c> of an .npy header: a type's notation, or a list of fields.</summary>
internal static class NpyDescription
{
    /// <summary>Reads the next literal. Returns false if it is malformed. If it describes no type, the type is null.</summary>
    public static bool TryRead(ref PythonLiteral literal, out DType? type, out string problem)
    {
        // Nearly always a text, for which no string is allocated.
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

    private static DType? Read(object description, out string problem) => description switch
    {
        string text => ReadScalar(text, out problem),
        PythonSequence { IsTuple: false } fields => ReadStruct(fields.Items, out problem),
        PythonSequence { Items: [object element, object shape] } => ReadSubarray(element, shape, out problem),
        _ => Refuse(out problem),
    };

    private static DType? Refuse(out string problem)
    {
        problem = "its element type is not one that numpy writes";
        return null;
    }

    private static ScalarType? ReadScalar(ReadOnlySpan<char> text, out string problem)
    {
        ScalarType? scalar = ScalarType.TryParse(text);
        problem = scalar is not null ? string.Empty
            : text is "O" or "O8" or "|O" or "|O8" or "<O8" or "object" or "object_" or "object0"
            ? "its elements are Python objects, which are pointers into their own process"
            : $"its element type '{text}' is not one of numpy's, or larger than {DType.MaxSize} bytes";
        return scalar;
    }

    private static StructType? ReadStruct(ImmutableArray<object> list, out string problem)
    {
        problem = "its structured type is not one that numpy writes";
        ImmutableArray<Field>.Builder fields = ImmutableArray.CreateBuilder<Field>(list.Length);
        HashSet<string> names = [];
        long offset = 0;
        foreach (object listed in list)
        {
            // A name may be a pair (title, name).
            ImmutableArray<object> item = listed is PythonSequence { Items.Length: 2 or 3 } field ? field.Items : [false];
            (object title, object first) = item[0] is PythonSequence { IsTuple: true, Items: [object of, object titled] }
                ? (of, titled)
                : (false, item[0]);
            if (first is not string name)
            {
                return null;
            }

            string reason;
            DType? type = item.Length == 3 ? ReadSubarray(item[1], item[2], out reason) : Read(item[1], out reason);
            if (type is null)
            {
                problem = $"of its field '{name}', {reason}";
                return null;
            }

            // In numpy, a sub-array without a name is also padding.
            bool isNew = (name.Length == 0 && (type is SubarrayType or ScalarType { Kind: ScalarType.Void })) || names.Add(name);
            if (!isNew || (title is string text && !names.Add(text)))
            {
                problem = $"two of its fields are called '{name}'";
                return null;
            }

            fields.Add(new Field(name, type, offset));
            offset += type.Size;
            if (offset > DType.MaxSize)
            {
                return null;
            }
        }

        return fields.Count == 0 ? null : new StructType(fields.ToImmutable(), offset);
    }

    private static DType? ReadSubarray(object description, object shape, out string problem)
    {
        // In numpy, a single element is not a sub-array, unless its shape is a tuple.
        ImmutableArray<object> dimensions = shape switch
        {
            PythonSequence several => several.Items,
            1L => [],
            long => [shape],
            _ => default,
        };
        if (Read(description, out problem) is not DType element)
        {
            return null;
        }

        problem = "its sub-array has a shape that numpy does not write";
        if (dimensions.IsDefault || dimensions.Any(static dimension => dimension is not long))
        {
            return null;
        }

        ImmutableArray<long> lengths = [.. dimensions.Cast<long>()];
        bool fits = ShapeMath.TryByteLength(lengths.AsSpan(), element.Size, out long bytes) && bytes <= DType.MaxSize;
        return !fits ? null : lengths.IsEmpty ? element : new SubarrayType(element, lengths);
    }
}
