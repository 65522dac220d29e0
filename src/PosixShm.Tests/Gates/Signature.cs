using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace PosixShm.Tests.Gates;

/// <summary>
/// The declaration of a public type or member as C# text: attributes, modifiers, kinds of references, nullability, defaults and accessors.
/// </summary>
internal static partial class Signature
{
    // Attributes for debuggers, compilers and analyzers. The trimming analyzer checks DynamicallyAccessedMembers at each call.
    private static readonly string[] s_ignored =
    [
        "DebuggerDisplay", "DebuggerTypeProxy", "DebuggerBrowsable", "DynamicallyAccessedMembers", "MethodImpl", "SkipLocalsInit",
        "SuppressMessage", "UnconditionalSuppressMessage",
    ];

    private static readonly SymbolDisplayFormat s_name = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeVariance,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers
            | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
            | SymbolDisplayMiscellaneousOptions.AllowDefaultLiteral);

    private static readonly SymbolDisplayFormat s_constrained
        = s_name.AddGenericsOptions(SymbolDisplayGenericsOptions.IncludeTypeConstraints);

    private static readonly SymbolDisplayFormat s_member = new(
        typeQualificationStyle: s_name.TypeQualificationStyle,
        genericsOptions: s_constrained.GenericsOptions,
        memberOptions: SymbolDisplayMemberOptions.IncludeAccessibility | SymbolDisplayMemberOptions.IncludeModifiers
            | SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeRef
            | SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeConstantValue,
        delegateStyle: SymbolDisplayDelegateStyle.NameAndSignature,
        extensionMethodStyle: SymbolDisplayExtensionMethodStyle.StaticMethod,
        parameterOptions: SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName
            | SymbolDisplayParameterOptions.IncludeModifiers | SymbolDisplayParameterOptions.IncludeDefaultValue
            | SymbolDisplayParameterOptions.IncludeExtensionThis,
        propertyStyle: SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        miscellaneousOptions: s_name.MiscellaneousOptions);

    /// <summary>Returns the name of a type or member, with type parameters.</summary>
    public static string NameOf(ISymbol symbol) => symbol switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } => "Constructors",
        IMethodSymbol { MethodKind: MethodKind.UserDefinedOperator or MethodKind.Conversion } => "Operators",
        IPropertySymbol { IsIndexer: true } => "Indexers",
        _ => symbol.ToDisplayString(s_name),
    };

    /// <summary>Returns the declaration, attributes first.</summary>
    public static string Of(ISymbol symbol)
    {
        string declaration = symbol is INamedTypeSymbol type
            ? OfType(type)
            : InvisibleAccessor().Replace(symbol.ToDisplayString(s_member), string.Empty);
        return string.Join('\n', [.. Attributes(symbol), declaration + (declaration.EndsWith('}') ? string.Empty : ";")]);
    }

    private static string OfType(INamedTypeSymbol type)
    {
        if (type.TypeKind == TypeKind.Delegate)
        {
            return $"{AccessOf(type)}delegate {type.ToDisplayString(s_member)}";
        }

        string name = type.ToDisplayString(s_name);
        string constraints = type.ToDisplayString(s_constrained)[name.Length..];
        string bases = string.Join(", ", BasesOf(type).Select(static part => part.ToDisplayString(s_name)));
        return $"{AccessOf(type)}{ModifiersOf(type)}{KindOf(type)} {name}{(bases.Length > 0 ? $" : {bases}" : string.Empty)}{constraints}";
    }

    private static string ModifiersOf(INamedTypeSymbol type) => type switch
    {
        { TypeKind: TypeKind.Class, IsStatic: true } => "static ",
        { TypeKind: TypeKind.Class, IsAbstract: true } => "abstract ",
        { TypeKind: TypeKind.Class, IsSealed: true } => "sealed ",
        { TypeKind: TypeKind.Struct } => (type.IsReadOnly ? "readonly " : string.Empty) + (type.IsRefLikeType ? "ref " : string.Empty),
        _ => string.Empty,
    };

    private static string AccessOf(INamedTypeSymbol type) => $"{SyntaxFacts.GetText(type.DeclaredAccessibility)} ";

    private static string KindOf(INamedTypeSymbol type) => (type.IsRecord ? "record " : string.Empty) + type.TypeKind switch
    {
        TypeKind.Struct => "struct",
        TypeKind.Interface => "interface",
        TypeKind.Enum => "enum",
        _ => "class",
    };

    private static IEnumerable<INamedTypeSymbol> BasesOf(INamedTypeSymbol type)
    {
        INamedTypeSymbol? first = type switch
        {
            { TypeKind: TypeKind.Enum } => type.EnumUnderlyingType,
            { TypeKind: TypeKind.Class, BaseType.SpecialType: not SpecialType.System_Object } => type.BaseType,
            _ => null,
        };
        IEnumerable<INamedTypeSymbol> interfaces = type.TypeKind == TypeKind.Enum ? [] : type.Interfaces.Where(PublicApi.IsVisible);
        return first is null ? interfaces : interfaces.Prepend(first);
    }

    private static IEnumerable<string> Attributes(ISymbol symbol)
    {
        IEnumerable<string> lines = symbol.GetAttributes().Where(Matters).Select(static attribute => $"[{Text(attribute)}]");
        if (symbol is IMethodSymbol method)
        {
            IEnumerable<AttributeData> returned = method.GetReturnTypeAttributes().Where(Matters);
            lines = lines.Concat(returned.Select(static attribute => $"[return: {Text(attribute)}]"));
        }

        IEnumerable<IParameterSymbol> parameters = (symbol as IMethodSymbol)?.Parameters ?? (symbol as IPropertySymbol)?.Parameters ?? [];
        return lines.Concat(
            from parameter in parameters
            from attribute in parameter.GetAttributes()
            where Matters(attribute)
            select $"[{parameter.Name}: {Text(attribute)}]");
    }

    private static bool Matters(AttributeData attribute)
        => attribute.AttributeClass is INamedTypeSymbol type && PublicApi.IsVisible(type) && !s_ignored.Contains(ShortName(type));

    private static string Text(AttributeData attribute)
    {
        IEnumerable<string> arguments = attribute.ConstructorArguments.Select(static value => value.ToCSharpString())
            .Concat(attribute.NamedArguments.Select(static named => $"{named.Key} = {named.Value.ToCSharpString()}"));
        string list = string.Join(", ", arguments);
        return ShortName(attribute.AttributeClass!) + (list.Length > 0 ? $"({list})" : string.Empty);
    }

    private static string ShortName(INamedTypeSymbol attribute)
        => attribute.Name.EndsWith("Attribute", StringComparison.Ordinal) ? attribute.Name[..^"Attribute".Length] : attribute.Name;

    [GeneratedRegex(@"(?<=[{;] )(?:private protected|private|internal) (?:get|set|init); ")]
    private static partial Regex InvisibleAccessor();
}
