using System.Reflection;

namespace PosixShm.Elements;

/// <summary>The name of a field in a program's source. Compilers give the field of a property another name.</summary>
internal static class FieldName
{
    // F#'s SourceConstructFlags.SumType, and the mask of its kinds.
    private const int Union = 1;
    private const int KindMask = 31;

    /// <summary>Returns the name in the source: X for C#'s <c>&lt;X&gt;k__BackingField</c>, F#'s <c>X@</c> or a union's <c>x</c>.</summary>
    public static string Of(FieldInfo field)
    {
        string name = field.Name;
        return name.StartsWith('<') && name.LastIndexOf('>') is int end and > 1 ? name[1..end]
            : name is [_, .., '@'] ? name[..^1]
            : IsOfUnion(field) ? OfUnion(name)
            : name;
    }

    private static string OfUnion(string name) => name switch
    {
        "_tag" => "Tag",
        ['_', .. string rest] => rest,
        _ => char.ToUpperInvariant(name[0]) + name[1..],
    };

    private static bool IsOfUnion(FieldInfo field) => field.DeclaringType!.GetCustomAttributesData().Any(static attribute =>
        attribute.AttributeType.FullName == "Microsoft.FSharp.Core.CompilationMappingAttribute"
        && attribute.ConstructorArguments is [{ Value: int flags }, ..]
        && (flags & KindMask) == Union);
}
