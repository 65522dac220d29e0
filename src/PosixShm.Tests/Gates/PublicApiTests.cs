using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;

namespace PosixShm.Tests.Gates;

/// <summary>Makes every change of the public API a change of docs/API.md.</summary>
internal sealed class PublicApiTests
{
    private const string Head = """
        # API

        All public types and members. The page is generated from the source, and a test compares both:
        `APPROVE=1 dotnet test src/PosixShm.Tests --filter FullyQualifiedName~Gates.PublicApiTests` writes it anew.
        [GUIDE.md](GUIDE.md) and [LOCKS.md](LOCKS.md) explain by examples.


        """;

    private static readonly Lazy<string> s_page = new(static () => Head + PublicApi.PageOf(LibrarySource.Library));

    private static string Approved => Path.Combine(Repository.Root, "docs", "API.md");

    [Test]
    public void Public_API_is_the_approved_one()
    {
        if (Environment.GetEnvironmentVariable("APPROVE") == "1")
        {
            File.WriteAllText(Approved, s_page.Value);
        }

        Assert.That(s_page.Value, Is.EqualTo(File.ReadAllText(Approved)), "run the test with APPROVE=1 and review the diff");
    }

    [Test]
    public void Every_exported_type_has_a_section()
    {
        Type[] exported = typeof(SharedArray).Assembly.GetExportedTypes();
        Assert.That(s_page.Value.Split("\n## "), Has.Length.EqualTo(exported.Length + 1));
        Assert.That(exported.Where(static type => !SectionOf(type).IsMatch(s_page.Value)), Is.Empty);

        static Regex SectionOf(Type type) => new($@"\n## (\S+\.)?{type.Name.Split('`')[0]}\b");
    }

    [TestCase("public void M(ref readonly int x) { }", "public void M(ref int x) { }",
        TestName = "Ref_readonly_parameter_that_becomes_ref_differs")]
    [TestCase("public void M(ref readonly int x) { }", "public void M(in int x) { }",
        TestName = "Ref_readonly_parameter_that_becomes_in_differs")]
    [TestCase("public ref readonly int M() => throw null!;", "public ref int M() => throw null!;",
        TestName = "Ref_readonly_return_that_becomes_ref_differs")]
    [TestCase("public ref readonly int this[int i] => throw null!;", "public ref int this[int i] => throw null!;",
        TestName = "Ref_readonly_indexer_that_becomes_ref_differs")]
    [TestCase("public void M(bool x = true) { }", "public void M(bool x = false) { }", TestName = "Reversed_default_differs")]
    [TestCase("public void M(bool x = true) { }", "public void M(bool x) { }", TestName = "Removed_default_differs")]
    [TestCase("public int P { get; init; }", "public int P { get; set; }", TestName = "Init_that_becomes_set_differs")]
    [TestCase("public int P { get; private set; }", "public int P { get; set; }", TestName = "Private_setter_that_becomes_public_differs")]
    [TestCase("public required int P { get; init; }", "public int P { get; init; }", TestName = "Removed_required_differs")]
    [TestCase("public readonly int F;", "public int F;", TestName = "Removed_readonly_of_a_field_differs")]
    [TestCase("public struct S { public readonly void M() { } }", "public struct S { public void M() { } }",
        TestName = "Removed_readonly_of_a_method_differs")]
    [TestCase("public readonly struct S;", "public struct S;", TestName = "Removed_readonly_of_a_struct_differs")]
    [TestCase("public ref struct S;", "public struct S;", TestName = "Removed_ref_of_a_struct_differs")]
    [TestCase("public string? M() => null;", "public string M() => \"\";", TestName = "Nullability_of_a_return_differs")]
    [TestCase("public void M(List<string?> x) { }", "public void M(List<string> x) { }",
        TestName = "Nullability_of_a_type_argument_differs")]
    [TestCase("public bool M([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? x) { x = null; return false; }",
        "public bool M([System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? x) { x = \"\"; return false; }",
        TestName = "Reversed_NotNullWhen_differs")]
    [TestCase("public void M<T>() where T : unmanaged { }", "public void M<T>() where T : struct { }",
        TestName = "Weaker_constraint_differs")]
    [TestCase("public void M<T>() where T : allows ref struct { }", "public void M<T>() { }",
        TestName = "Removed_allows_ref_struct_differs")]
    [TestCase("public void M(params long[] x) { }", "public void M(long[] x) { }", TestName = "Removed_params_differs")]
    [TestCase("public void M(scoped ReadOnlySpan<int> x) { }", "public void M(ReadOnlySpan<int> x) { }",
        TestName = "Removed_scoped_differs")]
    [TestCase("public void M(int first) { }", "public void M(int second) { }", TestName = "Name_of_a_parameter_differs")]
    [TestCase("public (int A, int B) M() => default;", "public (int B, int A) M() => default;", TestName = "Exchanged_tuple_names_differ")]
    [TestCase("public const int F = 1;", "public const int F = 2;", TestName = "Value_of_a_constant_differs")]
    [TestCase("public enum E { A, B }", "public enum E { B, A }", TestName = "Values_of_an_enum_differ")]
    [TestCase("public enum E : byte { A }", "public enum E { A }", TestName = "Underlying_type_of_an_enum_differs")]
    [TestCase("public sealed class N;", "public class N;", TestName = "Removed_sealed_differs")]
    [TestCase("public class N : IDisposable { void IDisposable.Dispose() { } }", "public class N { }",
        TestName = "Removed_interface_differs")]
    [TestCase("public class N;", "public class N { private N() { } }", TestName = "Removed_implicit_constructor_differs")]
    [TestCase("protected virtual void M() { }", "protected void M() { }", TestName = "Removed_virtual_of_a_protected_method_differs")]
    [TestCase("[Obsolete(\"Use N.\")] public void M() { }", "public void M() { }", TestName = "Removed_attribute_differs")]
    [TestCase("public delegate void D(in int x);", "public delegate void D(int x);", TestName = "Parameter_of_a_delegate_differs")]
    [TestCase("public event Action? E;", "public event Action<int>? E;", TestName = "Type_of_an_event_differs")]
    [TestCase("/// <summary>One.</summary>\npublic void M() { }", "/// <summary>Two.</summary>\npublic void M() { }",
        TestName = "Documentation_differs")]
    public void Planted_change_differs(string before, string after) => Assert.That(PageOf(before), Is.Not.EqualTo(PageOf(after)));

    [TestCase("public int M() => 1;", "public int M() { return 2; }", TestName = "Body_of_a_method_is_not_part_of_the_page")]
    [TestCase("public void A() { } public void B() { }", "public void B() { } public void A() { }",
        TestName = "Order_of_members_is_not_part_of_the_page")]
    [TestCase("public int P { get; }", "public int P { get; internal set; }", TestName = "Internal_setter_is_not_part_of_the_page")]
    [TestCase("", "internal void M() { } private protected int F; internal class N;",
        TestName = "Internal_members_are_not_part_of_the_page")]
    public void Change_inside_the_library_does_not_differ(string before, string after)
        => Assert.That(PageOf(before), Is.EqualTo(PageOf(after)));

    [Test]
    public void Documentation_is_Markdown_with_inherited_parts()
    {
        string page = PageOf("""
            /// <summary>Reads <paramref name="x"/> of <see cref="N"/>, or <see langword="null"/>.</summary>
            /// <param name="x">A value &lt; 3.</param>
            /// <exception cref="ArgumentException">It is <c>3</c>.</exception>
            public int M(int x) => x;
            /// <summary>Reads more.</summary>
            /// <inheritdoc cref="M(int)"/>
            public int M(int x, int y) => x + y;
            /// <summary>Nested.</summary>
            public class N;
            """);
        Assert.That(page, Does.Contain("""
            public int M(int x);
            ```

            Reads `x` of `C.N`, or `null`.

            - `x`: A value &lt; 3.
            - Throws `ArgumentException`: It is `3`.

            ```csharp
            public int M(int x, int y);
            ```

            Reads more.

            - `x`: A value &lt; 3.
            - Throws `ArgumentException`: It is `3`.
            """));
    }

    private static string PageOf(string members)
    {
        CSharpCompilation compilation = LibrarySource.Compile(("C.cs", $"namespace Planted;\npublic class C\n{{\n{members}\n}}"));
        Assert.That(LibrarySource.ErrorsOf(compilation), Is.Empty);
        return PublicApi.PageOf(compilation);
    }
}
