using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace PosixShm.Elements;

/// <summary>The fields of a struct inside an element type. Native AOT keeps all fields of the element type, which is annotated. It keeps a
/// field of a struct inside it only if it finds that reflection uses the field. A missing field is like padding, so a description could be
/// wrong without an error.</summary>
internal static class KeptFields
{
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    // These two structs are of different assemblies, and no code uses their fields. They have fields here only if all structs have.
    private static readonly bool s_keepsAll = Of(typeof(Probe)).Length > 0 && Of(typeof(InlineArray13<Guid>)).Length > 0;

    /// <summary>Returns the fields that were kept.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Callers check whether all fields were kept.")]
    public static FieldInfo[] Of(Type type) => type.GetFields(Instance);

    /// <summary>Returns whether all fields of a struct in a field are kept, by the runtime or by an attribute on that field.</summary>
    public static bool AreAll(FieldInfo field, Type type) => s_keepsAll
        || field.GetCustomAttributes<DynamicDependencyAttribute>().Any(
            dependency => dependency.Type == type && (dependency.MemberTypes & ElementTypes.Fields) == ElementTypes.Fields);

    /// <summary>Returns whether the fields that were kept fill the struct.</summary>
    public static bool Cover(Type type, StructType read)
        => !type.IsExplicitLayout && !read.Fields.Any(static part => part.Name.Length == 0);

    /// <summary>Returns the exception for a struct of which fields are missing.</summary>
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
