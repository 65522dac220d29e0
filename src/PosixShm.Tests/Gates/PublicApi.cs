using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace PosixShm.Tests.Gates;

/// <summary>The public types and members of a compilation as one Markdown page: their declarations and their documentation.</summary>
internal sealed class PublicApi
{
    private readonly DocumentationText _documentation;
    private readonly StringBuilder _contents = new();
    private readonly StringBuilder _body = new();
    private readonly Dictionary<string, int> _anchors = [];

    private PublicApi(CSharpCompilation compilation) => _documentation = new DocumentationText(compilation);

    /// <summary>Returns the page.</summary>
    public static string PageOf(CSharpCompilation compilation)
    {
        PublicApi page = new(compilation);
        foreach (INamedTypeSymbol type in TypesOf(compilation.Assembly.GlobalNamespace).OrderBy(Key, StringComparer.Ordinal))
        {
            page.Append(type);
        }

        return $"{page._contents}\n{page._body}";
    }

    /// <summary>Returns whether another assembly sees a type or member.</summary>
    public static bool IsVisible(ISymbol symbol)
    {
        bool isDeclaredVisible = symbol.DeclaredAccessibility switch
        {
            Accessibility.Public => true,
            Accessibility.Protected or Accessibility.ProtectedOrInternal => symbol.ContainingType is { IsSealed: false },
            _ => false,
        };
        return isDeclaredVisible && (symbol.ContainingType is null || IsVisible(symbol.ContainingType));
    }

    private static IEnumerable<INamedTypeSymbol> TypesOf(INamespaceOrTypeSymbol container)
        => container.GetMembers().SelectMany(static inner => inner switch
        {
            INamespaceSymbol space => TypesOf(space),
            INamedTypeSymbol type when IsVisible(type) => TypesOf(type).Prepend(type),
            _ => [],
        });

    private static string Key(INamedTypeSymbol type) => $"{type.ContainingNamespace} {Signature.NameOf(type)}";

    // Accessors belong to their property. The constructor of a class is the only member added by the compiler that callers use.
    private static bool IsMember(ISymbol member) => IsVisible(member) && member switch
    {
        INamedTypeSymbol or IMethodSymbol { AssociatedSymbol: not null } or IMethodSymbol { MethodKind: MethodKind.Destructor } => false,
        IMethodSymbol { MethodKind: MethodKind.Constructor, Parameters: [], ContainingType.TypeKind: TypeKind.Class } => true,
        _ => !member.IsImplicitlyDeclared,
    };

    private static (int Kind, string Name) Order(ISymbol member) => (member switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } => 0,
        IFieldSymbol => 1,
        IPropertySymbol { IsIndexer: false } => 2,
        IPropertySymbol => 3,
        IEventSymbol => 4,
        IMethodSymbol { MethodKind: MethodKind.Ordinary } => 5,
        _ => 6,
    }, member.Name);

    private void Append(INamedTypeSymbol type)
    {
        string name = Signature.NameOf(type);
        Append($"\n## {name.Replace("<", "\\<", StringComparison.Ordinal)}\n");
        Append($"\n```csharp\nnamespace {type.ContainingNamespace};\n\n{Signature.Of(type)}\n```\n");
        _ = _contents.Append(CultureInfo.InvariantCulture, $"- [`{name}`](#{AddAnchor(name)}): {_documentation.FirstSentence(type)}\n");
        _ = _body.Append(_documentation.Of(type));
        if (type.TypeKind == TypeKind.Enum)
        {
            Append("\n");
            foreach (IFieldSymbol value in type.GetMembers().OfType<IFieldSymbol>())
            {
                Append($"- `{value.Name} = {value.ConstantValue}`: {_documentation.FirstSentence(value)}\n");
            }

            return;
        }

        IEnumerable<ISymbol> all = type.TypeKind == TypeKind.Delegate ? [] : type.GetMembers().Where(IsMember);
        foreach (IGrouping<string, ISymbol> overloads in all.OrderBy(static member => Order(member).Kind)
            .ThenBy(static member => member.Name, StringComparer.Ordinal)
            .ThenBy(Signature.Of, StringComparer.Ordinal)
            .GroupBy(Heading))
        {
            _ = AddAnchor(overloads.Key);
            Append($"\n### {overloads.Key}\n");
            foreach (IGrouping<string, ISymbol> members in overloads.GroupBy(_documentation.Of))
            {
                Append($"\n```csharp\n{string.Join('\n', members.Select(Signature.Of))}\n```\n{members.Key}");
            }
        }
    }

    private static string Heading(ISymbol member)
        => member is IMethodSymbol { MethodKind: MethodKind.Ordinary } ? member.Name : Signature.NameOf(member);

    private void Append(string text) => _ = _body.Append(text);

    // The anchors are GitHub's: a repeated heading gets a number.
    private string AddAnchor(string heading)
    {
        IEnumerable<char> kept = heading.Where(static c => char.IsLetterOrDigit(c) || c is '_' or '-' or ' ');
        string anchor = string.Concat(kept.Select(char.ToLowerInvariant)).Replace(' ', '-');
        int seen = _anchors[anchor] = _anchors.GetValueOrDefault(anchor) + 1;
        return seen == 1 ? anchor : string.Create(CultureInfo.InvariantCulture, $"{anchor}-{seen - 1}");
    }
}
