using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace PosixShm.Tests.Gates;

/// <summary>Finds comments whose lines were joined: a comment mark in the text, or two elements of documentation on one line.</summary>
internal sealed partial class CommentTests
{
    private static readonly CSharpParseOptions s_parse = new(LanguageVersion.CSharp14, DocumentationMode.Parse);

    private static readonly string[] s_blocks =
        ["summary", "typeparam", "param", "value", "returns", "remarks", "exception", "inheritdoc"];

    [Test]
    public void No_comment_has_joined_lines()
    {
        string[] files = [.. SourceFiles.All().Where(static file => Path.GetExtension(file) == ".cs")];
        Assert.That(files, Has.Length.GreaterThan(300));
        Assert.That(
            files.SelectMany(static file => Problems(File.ReadAllText(file))
                .Select(problem => $"{Path.GetRelativePath(Repository.Root, file)}:{problem}")),
            Is.Empty);
    }

    [TestCase("/// <summary>A type.</summary> ///\n/// <remarks>Text.</remarks>", "1: a comment mark in the text")]
    [TestCase("/// <summary>A\n/// /// type.</summary>", "2: a comment mark in the text")]
    [TestCase("/// <summary>A type // of text.</summary>", "1: a comment mark in the text")]
    [TestCase("// One sentence. // Another sentence.", "1: a comment mark in the text")]
    [TestCase("// One sentence.\n// Two. //", "2: a comment mark in the text")]
    [TestCase("/// <summary>A type.</summary> <remarks>Text.</remarks>", "1: two elements on one line")]
    [TestCase("/// <summary>A\n/// type.</summary> <remarks>Text.\n/// Text.</remarks>", "2: two elements on one line")]
    [TestCase("/// <summary>A type.</summary> <inheritdoc/>", "1: two elements on one line")]
    [TestCase("/// <summary>A <param name=\"a\">value</param>.</summary>", "1: two elements on one line")]
    public void Planted_joined_lines_are_found(string comment, string expected)
        => Assert.That(Problems($"{comment}\ninternal class Planted;"), Is.EqualTo([expected]));

    [TestCase("/// <summary>A <c>file://</c> name.</summary>\n/// <remarks>See <see cref=\"object\"/> and <c>x</c>.</remarks>")]
    [TestCase("/// <summary>\n/// <para>One.</para><para>Two.</para>\n/// </summary>")]
    [TestCase("/// <summary>Code:</summary>\n/// <remarks><code>\n/// // a comment in code\n/// </code></remarks>")]
    [TestCase("// See https://example.org/a//b.")]
    [TestCase("////////////")]
    public void Comment_without_joined_lines_has_no_problem(string comment)
        => Assert.That(Problems($"{comment}\ninternal class Sound {{ string Text = \"/// a string // of text\"; }}"), Is.Empty);

    private static IEnumerable<string> Problems(string source)
    {
        SyntaxNode root = CSharpSyntaxTree.ParseText(source, s_parse).GetRoot();
        SyntaxTrivia[] comments = [.. root.DescendantTrivia(descendIntoTrivia: false)];
        DocumentationCommentTriviaSyntax[] documentation =
            [.. comments.Select(static comment => comment.GetStructure()).OfType<DocumentationCommentTriviaSyntax>()];
        IEnumerable<int> marks = comments
            .Where(static comment => comment.IsKind(SyntaxKind.SingleLineCommentTrivia))
            .Where(static comment => Mark().IsMatch(comment.ToString().TrimStart('/')))
            .Select(static comment => comment.GetLocation())
            .Concat(documentation.SelectMany(TextsWithMark).Select(static text => text.GetLocation()))
            .Select(LineOf);
        return marks.Select(static line => $"{line}: a comment mark in the text")
            .Concat(documentation.SelectMany(SharedLines).Select(static line => $"{line}: two elements on one line"));
    }

    // Code has comments of its own.
    private static IEnumerable<SyntaxToken> TextsWithMark(DocumentationCommentTriviaSyntax comment)
        => comment.DescendantTokens(static node => node is not XmlElementSyntax { StartTag.Name.LocalName.Text: "code" })
            .Where(static token => token.IsKind(SyntaxKind.XmlTextLiteralToken) && Mark().IsMatch(token.Text));

    private static IEnumerable<int> SharedLines(DocumentationCommentTriviaSyntax comment)
    {
        FileLinePositionSpan[] spans =
            [.. comment.DescendantNodes().Where(IsBlock).Select(static node => node.GetLocation().GetLineSpan())];
        return spans.Zip(spans.Skip(1))
            .Where(static pair => pair.Second.StartLinePosition.Line <= pair.First.EndLinePosition.Line)
            .Select(static pair => pair.Second.StartLinePosition.Line + 1);
    }

    private static bool IsBlock(SyntaxNode node) => node switch
    {
        XmlElementSyntax element => s_blocks.Contains(element.StartTag.Name.LocalName.Text),
        XmlEmptyElementSyntax element => s_blocks.Contains(element.Name.LocalName.Text),
        _ => false,
    };

    private static int LineOf(Location location) => location.GetLineSpan().StartLinePosition.Line + 1;

    // A word of slashes only.
    [GeneratedRegex(@"(?<!\S)///?(?!\S)")]
    private static partial Regex Mark();
}
