namespace PosixShm;

/// <summary>Names a field of a struct as numpy does, if no name in the source can be that: <c>[FieldName("bid price")]</c>.</summary>
/// <param name="name">The name in the dtype.</param>
/// <remarks>On properties and parameters of C# records, the attribute needs its target: <c>[field: FieldName("bid price")]</c>.</remarks>
[AttributeUsage(AttributeTargets.Field)]
public sealed class FieldNameAttribute(string name) : Attribute
{
    /// <summary>Gets the name in the dtype.</summary>
    public string Name { get; } = name;
}
