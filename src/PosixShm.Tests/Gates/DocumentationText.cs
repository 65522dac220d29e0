using System.Collections.Immutable;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace PosixShm.Tests.Gates;

/// <summary>XML documentation as Markdown, with what <c>inheritdoc</c> brings in.</summary>
internal sealed partial class DocumentationText(CSharpCompilation compilation)
{
    // A cycle of inheritdoc ends here.
    private const int MaxDepth = 8;

    private const char NoBreak = '\u00A0';

    private static readonly string[] s_order = ["summary", "value", "remarks", "typeparam", "param", "returns", "exception"];

    private static readonly SymbolDisplayFormat s_short = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes);

    /// <summary>Returns the paragraphs and lists of a symbol's documentation.</summary>
    public string Of(ISymbol symbol)
    {
        List<XElement> elements = ElementsOf(symbol, MaxDepth);
        IEnumerable<string> paragraphs = elements.Where(static element => Kind(element) is "summary" or "value" or "remarks").Select(Text);
        IEnumerable<string> items = elements.Select(element => Kind(element) switch
        {
            "typeparam" or "param" => $"- `{Name(element)}`: {Text(element)}",
            "returns" => $"- Returns: {Text(element)}",
            "exception" => $"- Throws `{NameOf(Cref(element))}`: {Text(element)}",
            _ => string.Empty,
        });
        string list = string.Join('\n', items.Where(static item => item.Length > 0));
        string text = string.Join("\n\n", paragraphs.Append(list).Where(static paragraph => paragraph.Length > 0));
        return text.Length > 0 ? $"\n{text}\n" : string.Empty;
    }

    /// <summary>Returns the first sentence of a symbol's summary.</summary>
    public string FirstSentence(ISymbol symbol)
    {
        XElement? element = ElementsOf(symbol, MaxDepth).Find(static element => Kind(element) == "summary");
        string summary = element is null ? string.Empty : Text(element);
        return SentenceEnd().Match(summary) is { Success: true } end ? summary[..end.Index] : summary.ReplaceLineEndings(" ");
    }

    private static XElement? Parse(ISymbol symbol)
        => symbol.GetDocumentationCommentXml() is { Length: > 0 } xml ? XElement.Parse(xml, LoadOptions.PreserveWhitespace) : null;

    private static string Kind(XElement element) => element.Name.LocalName;

    private static string? Name(XElement element) => element.Attribute("name")?.Value;

    private static string? Cref(XElement element) => element.Attribute("cref")?.Value;

    private List<XElement> ElementsOf(ISymbol symbol, int depth)
    {
        List<XElement> elements = [.. Parse(symbol)?.Elements() ?? []];
        foreach (XElement inherit in elements.Where(static element => Kind(element) == "inheritdoc").ToArray())
        {
            _ = elements.Remove(inherit);
            ISymbol? source = Cref(inherit) is string cref ? Find(cref) : Inherited(symbol);
            HashSet<(string, string?, string?)> own = [.. elements.Select(Key)];
            IEnumerable<XElement> inherited = source is null || depth == 0 ? [] : ElementsOf(source, depth - 1);
            elements.AddRange(inherited.Where(element => !own.Contains(Key(element)) && Applies(element, symbol)));
        }

        return [.. elements.OrderBy(static element => Array.IndexOf(s_order, Kind(element)))];
    }

    // An element takes the place of an inherited one with the same key.
    private static (string, string?, string?) Key(XElement element) => (Kind(element), Name(element), Cref(element));

    private static bool Applies(XElement element, ISymbol symbol) => Kind(element) switch
    {
        "param" => ParametersOf(symbol).Any(parameter => parameter.Name == Name(element)),
        "typeparam" => symbol is IMethodSymbol { IsGenericMethod: true } or INamedTypeSymbol { IsGenericType: true },
        "returns" => symbol is IMethodSymbol { ReturnsVoid: false },
        _ => true,
    };

    private static ImmutableArray<IParameterSymbol> ParametersOf(ISymbol symbol)
        => (symbol as IMethodSymbol)?.Parameters ?? (symbol as IPropertySymbol)?.Parameters ?? [];

    // The base type, the overridden member, or the member of an interface. Types of other assemblies have no documentation here.
    private static ISymbol? Inherited(ISymbol symbol)
    {
        if (symbol is INamedTypeSymbol type)
        {
            return type.BaseType;
        }

        ISymbol? overridden = (symbol as IMethodSymbol)?.OverriddenMethod ?? (ISymbol?)(symbol as IPropertySymbol)?.OverriddenProperty;
        return overridden ?? symbol.ContainingType.AllInterfaces.SelectMany(static type => type.GetMembers()).FirstOrDefault(IsImplemented);

        bool IsImplemented(ISymbol member)
            => SymbolEqualityComparer.Default.Equals(symbol.ContainingType.FindImplementationForInterfaceMember(member), symbol);
    }

    private ISymbol? Find(string id) => DocumentationCommentId.GetFirstSymbolForDeclarationId(id, compilation);

    private string NameOf(string? id) => id is null ? string.Empty : Find(id) switch
    {
        INamedTypeSymbol type => type.ToDisplayString(s_short),
        IMethodSymbol { MethodKind: MethodKind.Constructor } constructor => constructor.ContainingType.ToDisplayString(s_short),
        IPropertySymbol { IsIndexer: true } => "this[]",
        ISymbol member => $"{member.ContainingType.ToDisplayString(s_short)}.{member.Name}",
        null => id[(id.IndexOf(':', StringComparison.Ordinal) + 1)..],
    };

    private string Text(XElement element)
    {
        string joined = ParagraphEnd().Replace(Spaces().Replace(string.Concat(element.Nodes().Select(Text)), " ").Trim(' ', '\f'), "\n\n");
        return joined.Replace('\v', '\n').Replace(NoBreak, ' ');
    }

    private static string Unindented(string code)
    {
        string[] lines = code.TrimEnd().Trim('\n').Split('\n');
        int indent = lines.Where(static line => line.Length > 0).Min(static line => line.Length - line.TrimStart().Length);
        return string.Join('\v', lines.Select(line => line[Math.Min(indent, line.Length)..]));
    }

    // Until white space is joined, a form feed stands for the end of a paragraph. Code has vertical tabs and NoBreak for its white space.
    private string Text(XNode node) => node switch
    {
        XText text => text.Value.Replace("<", "&lt;", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal),
        XElement { Name.LocalName: "para" } paragraph => $" \f {Text(paragraph)} \f ",
        XElement { Name.LocalName: "code" } code => $" \f ```text\v{Unindented(code.Value).Replace(' ', NoBreak)}\v``` \f ",
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" or "seealso", Value.Length: > 0 } see => Text(see),
        XElement { Name.LocalName: "see" or "seealso" } see => $"`{see.Attribute("langword")?.Value ?? NameOf(Cref(see))}`",
        XElement { Name.LocalName: "paramref" or "typeparamref" } name => $"`{Name(name)}`",
        XElement other => Text(other),
        _ => string.Empty,
    };

    [GeneratedRegex(@"[ \r\n\t]+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@" ?\f[ \f]*")]
    private static partial Regex ParagraphEnd();

    [GeneratedRegex(@"(?<=\.)\s+(?=[A-Z`])")]
    private static partial Regex SentenceEnd();
}
