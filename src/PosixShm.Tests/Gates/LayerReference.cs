using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace PosixShm.Tests.Gates;

/// <summary>A use, in a file of one layer, of a type of another layer, or of a member of such a type.</summary>
internal sealed record LayerReference(string From, string To, string File, string Type)
{
    /// <summary>Returns the references between the layers of a compilation, each once for a file and a type.</summary>
    /// <exception cref="InvalidDataException">The compiler cannot resolve a name. Such a name would be invisible here.</exception>
    public static IEnumerable<LayerReference> FindAll(CSharpCompilation compilation)
        => compilation.SyntaxTrees.SelectMany(tree => FindIn(tree, compilation.GetSemanticModel(tree))).Distinct();

    /// <summary>Returns the layer of a file: the first directory of its path, or the empty string for the root and its internals.</summary>
    public static string LayerOf(SyntaxTree tree)
        => tree.FilePath.Split('/') is [var layer, _, ..] && layer != "Internal" ? layer : string.Empty;

    private static IEnumerable<LayerReference> FindIn(SyntaxTree tree, SemanticModel model)
    {
        string from = LayerOf(tree);
        foreach (SyntaxNode use in tree.GetRoot().DescendantNodes().Where(IsUse))
        {
            if (DeclaringType(SymbolOf(use, model)) is INamedTypeSymbol type
                && LayersOf(type) is [string to, ..] layers && !layers.Contains(from))
            {
                yield return new LayerReference(from, to, tree.FilePath, type.Name);
            }
        }
    }

    // Indexers, operators and foreach bring in members without a name, but of a type that some name of the expression has.
    private static bool IsUse(SyntaxNode node)
        => node is ImplicitObjectCreationExpressionSyntax
            or SimpleNameSyntax { IsVar: false, IsUnmanaged: false, IsNotNull: false, Identifier.Text: not ("nameof" or "_") };

    // The compiler offers candidates instead of one symbol for a method group in nameof.
    private static ISymbol SymbolOf(SyntaxNode use, SemanticModel model)
    {
        SymbolInfo info = model.GetSymbolInfo(use);
        return info.Symbol ?? info.CandidateSymbols.FirstOrDefault()
            ?? throw new InvalidDataException($"{use.GetLocation().GetLineSpan()}: '{use}' is not resolved.");
    }

    // The outermost type: nested types are in its files.
    private static INamedTypeSymbol? DeclaringType(ISymbol symbol)
    {
        if (symbol is INamespaceSymbol or ILocalSymbol or IParameterSymbol or ITypeParameterSymbol or { ContainingType.IsTupleType: true })
        {
            return null;
        }

        ISymbol definition = (symbol as IMethodSymbol)?.ReducedFrom ?? symbol;
        INamedTypeSymbol? type = definition as INamedTypeSymbol ?? definition.ContainingType;
        while (type?.ContainingType is INamedTypeSymbol outer)
        {
            type = outer;
        }

        return type?.OriginalDefinition;
    }

    // The parts of a partial type may lie in several layers. A type of another assembly has none.
    private static string[] LayersOf(INamedTypeSymbol type)
        => [.. type.DeclaringSyntaxReferences.Select(part => LayerOf(part.SyntaxTree)).Distinct()];
}
