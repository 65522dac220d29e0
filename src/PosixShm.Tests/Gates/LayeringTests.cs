using Microsoft.CodeAnalysis.CSharp;

namespace PosixShm.Tests.Gates;

/// <summary>Keeps the layers of src/PosixShm pointing one way, by the symbols that the compiler resolves.</summary>
internal sealed class LayeringTests
{
    private const string Root = "";

    // The layers, the lowest first. A layer is a directory, and uses only the layers that it lists.
    private static readonly (string Layer, string[] MayUse)[] s_layers =
    [
        ("Native", []),
        ("Names", ["Native"]),
        ("Elements", []),
        ("Formats", ["Elements"]),
        ("Segments", ["Names", "Native"]),
        ("Arrays", ["Names", "Native", "Elements", "Formats", "Segments"]),
        ("Synchronization", ["Names", "Native", "Elements", "Formats", "Segments", "Arrays"]),
        ("Posix", ["Names", "Native", "Segments", "Synchronization"]),
        (Root, ["Synchronization", "Names", "Elements", "Formats", "Segments", "Arrays"]),
    ];

    // References that break the rule today. The list only shrinks: a new reference fails, and so does an entry without a reference.
    private static readonly Dictionary<string, string> s_exceptions = new()
    {
        ["Synchronization/Internal/AttachedPage.cs: SharedArray"] = "A page reports the array, not itself, as disposed.",
        ["Synchronization/ChangeCounter.cs: SharedArray"] = "The counter reports the array, not itself, as disposed.",
        ["Posix/NamedSemaphore.cs: AttachOptions"] = "The public options are those of arrays.",
        ["Posix/SharedMemoryObject.cs: AttachOptions"] = "The public options are those of arrays.",
        ["SharedArray.Stale.cs: Interop"] = "The status of a file is a struct of Native.",
        ["SharedArrayInfo.cs: Interop"] = "The status of a file is a struct of Native.",
        ["UntypedSharedArray.Use.cs: Interop"] = "The status of a file is a struct of Native.",
        ["Internal/ArrayCreation.cs: Interop"] = "The status of a file is a struct of Native.",
    };

    [Test]
    public void Each_directory_is_a_layer()
    {
        IEnumerable<string> layers = LibrarySource.Library.SyntaxTrees.Select(LayerReference.LayerOf).Distinct();
        Assert.That(layers, Is.EquivalentTo(s_layers.Select(row => row.Layer)));
    }

    [Test]
    public void Each_layer_uses_only_layers_below_it()
    {
        for (int i = 0; i < s_layers.Length; i++)
        {
            Assert.That(s_layers[i].MayUse, Is.SubsetOf(s_layers[..i].Select(row => row.Layer)), s_layers[i].Layer);
        }

        Assert.That(Violations(LibrarySource.Library), Is.EquivalentTo(s_exceptions.Keys), "a new violation, or an entry without one");
    }

    // Each change is a file of the layer Format that uses the root, without a using line.
    [TestCase("internal class Planted { PosixShm.Target? Field; }", TestName = "Planted_field_is_a_violation")]
    [TestCase("internal class Planted { object Make() => new PosixShm.Target(); }", TestName = "Planted_construction_is_a_violation")]
    [TestCase("internal class Planted { const int Value = PosixShm.Target.Constant; }", TestName = "Planted_constant_is_a_violation")]
    [TestCase("internal class Planted { string Name => nameof(PosixShm.Target.Method); }", TestName = "Planted_nameof_is_a_violation")]
    [TestCase("internal class Planted { object Type => typeof(PosixShm.Target); }", TestName = "Planted_typeof_is_a_violation")]
    [TestCase("internal class Planted : PosixShm.Target;", TestName = "Planted_base_class_is_a_violation")]
    [TestCase("internal class Planted { int Value => Lower.Make().Property; }",
        TestName = "Planted_member_of_a_returned_object_is_a_violation")]
    [TestCase("internal class Planted { void Call(Lower lower) => PosixShm.TargetExtensions.Extend(lower); }", "TargetExtensions",
        TestName = "Planted_extension_method_is_a_violation")]
    [TestCase("internal class Planted { void Call(Lower lower) => lower.Extend(); }", "TargetExtensions",
        TestName = "Planted_call_as_an_extension_is_a_violation")]
    [TestCase("[PosixShm.Target.Mark] internal class Planted;", TestName = "Planted_attribute_is_a_violation")]
    [TestCase("internal class Planted { System.Collections.Generic.List<PosixShm.Target>? Field; }",
        TestName = "Planted_type_argument_is_a_violation")]
    public void Planted_use_is_a_violation(string planted, string type = "Target")
        => Assert.That(Violations(Plant(planted)), Does.Contain($"Formats/Planted.cs: {type}"));

    [Test]
    public void Use_of_the_own_layer_is_no_violation()
    {
        CSharpCompilation compilation = Plant("internal class Planted { string Name => nameof(Lower); Lower? Field; }");
        Assert.That(Violations(compilation), Is.EqualTo(["Formats/Lower.cs: Target"]));
    }

    private static IEnumerable<string> Violations(CSharpCompilation compilation) => LayerReference.FindAll(compilation)
        .Where(static found => !s_layers.Single(row => row.Layer == found.From).MayUse.Contains(found.To))
        .Select(static found => $"{found.File}: {found.Type}");

    private static CSharpCompilation Plant(string planted)
    {
        CSharpCompilation compilation = LibrarySource.Compile(
            ("Target.cs", """
                namespace PosixShm;
                internal class Target
                {
                    public const int Constant = 1;
                    public int Property => 2;
                    public void Method() { }
                    public class MarkAttribute : System.Attribute;
                }
                internal static class TargetExtensions { public static void Extend(this PosixShm.Format.Lower lower) { } }
                """),
            ("Formats/Lower.cs", "namespace PosixShm.Format; internal class Lower { public static PosixShm.Target Make() => new(); }"),
            ("Formats/Planted.cs", $"namespace PosixShm.Format; {planted}"));
        Assert.That(LibrarySource.ErrorsOf(compilation), Is.Empty);
        return compilation;
    }
}
