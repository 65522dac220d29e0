using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace PosixShm.Tests.Gates;

/// <summary>The library as the compiler sees it: the gates for layers and for the public API read symbols, not text.</summary>
internal static class LibrarySource
{
    // The project's implicit usings.
    private const string Usings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    private static readonly CSharpParseOptions s_parse = new(
        LanguageVersion.CSharp14, DocumentationMode.Parse, preprocessorSymbols: ["NET", "NET10_0", "TRACE"]);

    // The assemblies of this process without the library itself.
    private static readonly MetadataReference[] s_assemblies =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(':')
            .Where(path => !Path.GetFileName(path).StartsWith(nameof(PosixShm), StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private static readonly Lazy<CSharpCompilation> s_library = new(static () => Compile(
        Directory.EnumerateFiles(Root, "*.cs", SearchOption.AllDirectories)
            .Select(static file => (Path.GetRelativePath(Root, file), File.ReadAllText(file)))));

    /// <summary>Gets the compilation of src/PosixShm. The paths of its files are relative to that directory.</summary>
    public static CSharpCompilation Library => s_library.Value;

    private static string Root => Path.Combine(Repository.Root, "src", "PosixShm");

    /// <summary>Compiles files that are given as path and text, with the settings of the library.</summary>
    public static CSharpCompilation Compile(params IEnumerable<(string Path, string Text)> files) => CSharpCompilation.Create(
        "Gated",
        files.Append((string.Empty, Usings)).Select(file => CSharpSyntaxTree.ParseText(file.Item2, s_parse, file.Item1)),
        s_assemblies,
        new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));

    /// <summary>Returns the errors of a compilation.</summary>
    public static IEnumerable<Diagnostic> ErrorsOf(CSharpCompilation compilation)
        => compilation.GetDiagnostics().Where(static found => found.Severity == DiagnosticSeverity.Error);
}
