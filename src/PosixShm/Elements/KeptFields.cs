using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace PosixShm.Elements;

/// <summary>
/// The fields of a struct inside an element type. Native AOT keeps the fields of the element type, which is annotated. Of a struct inside it,
/// native AOT keeps only the fields that it finds reflected. A missing field looks like padding, so a description could be wrong unnoticed.
/// </summary>
internal static class KeptFields
{
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    // These two structs are of different assemblies and nothing uses their fields, so they have fields here only if all structs have.
    private static readonly bool s_keepsAll = Of(typeof(Probe)).Length > 0 && Of(typeof(InlineArray13<Guid>)).Length > 0;

    /// <summary>Gives the fields that were kept.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Callers check whether all fields were kept.")]
    public static FieldInfo[] Of(Type type) => type.GetFields(Instance);

    /// <summary>Tells whether all fields of a struct in a field are kept: the runtime keeps them all, or the field says so.</summary>
    public static bool AreAll(FieldInfo field, Type type) => s_keepsAll
        || field.GetCustomAttributes<DynamicDependencyAttribute>().Any(
            dependency => dependency.Type == type && (dependency.MemberTypes & ElementTypes.Fields) == ElementTypes.Fields);

    /// <summary>Tells whether the fields that were kept leave no room for others.</summary>
    public static bool Cover(Type type, StructType read) => !type.IsExplicitLayout && !read.Fields.Any(static part => part.Name.Length == 0);

    /// <summary>Makes the exception for a struct whose fields are not all known.</summary>
    public static NotSupportedException Missing(FieldInfo field, Type type)
    {
        string name = type.IsGenericType ? $"{type.Name.Split('`')[0]}<...>" : type.Name;
        string put = type.GetCustomAttribute<InlineArrayAttribute>() is { Length: >= 2 and <= 16 } array
            ? $"Use InlineArray{array.Length}<T> instead, or put" : "Put";
        return new($"An array cannot hold '{field.DeclaringType}': native AOT has not kept all fields of '{type}'. {put} "
            + $"[DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof({name}))] on the field '{FieldName.Of(field)}', "
            + "or set IlcTrimMetadata to false and IlcGenerateCompleteTypeMetadata to true in the project.");
    }

    [InlineArray(2)]
    private struct Probe
    {
        private byte _first;
    }
}
