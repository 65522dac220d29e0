using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>A program under the JIT compiler and published with native AOT, which drops fields that the program does not reflect.</summary>
internal sealed partial class NativeAotTests
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "artifacts", "aot");

    private static readonly string[] s_blocks = [.. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md")
        .Where(static page => !page.EndsWith("/API.md", StringComparison.Ordinal)) // declarations without bodies
        .Append(Path.Combine(Repository.Root, "README.md"))
        .SelectMany(static page => File.ReadAllText(page).Split("```csharp\n").Skip(1))
        .Select(static rest => rest.Split("\n```")[0])
        .Where(static block => StructName().IsMatch(block))];

    // A struct that a page names twice is inside another one. As an element type it would keep its fields for the other one, too.
    private static readonly string[] s_ofPages = [.. s_blocks
        .SelectMany(static block => StructName().Matches(block))
        .Select(static match => match.Groups[1].Value)
        .Where(static name => Regex.Count(string.Concat(s_blocks), $@"\b{name}\b") == 1)];

    private static Dictionary<string, string> s_jit = [];
    private static Dictionary<string, string> s_aot = [];

    // The path is always the same, because the SDK keeps a directory for each path.
    [OneTimeSetUp]
    public static void PublishWithStructsOfPages()
    {
        string calls = string.Join('\n', s_ofPages.Select(static name => $"Show<{name}>();"));
        string program = Regions.Page("src", "PosixShm.Tests", "Aot", "structs.cs")
            .Replace("// The structs of the pages.", calls, StringComparison.Ordinal);
        _ = Directory.CreateDirectory(s_folder);
        File.WriteAllLines(Path.Combine(s_folder, "structs.cs"), [program, .. s_blocks]);
        string assembly = Publish();
        s_jit = Describe("dotnet", assembly);
        s_aot = DescribeAheadOfTime();
    }

    [OneTimeTearDown]
    public static void RemoveProgram() => Directory.Delete(s_folder, recursive: true);

    [Test]
    public void Structs_of_the_guides_are_described_under_native_AOT_as_they_stand()
    {
        Assert.That(s_ofPages, Does.Contain("Tick").And.Contain("Quote"));
        Assert.That(s_ofPages.Select(static name => s_aot[name]), Is.EqualTo(s_ofPages.Select(static name => s_jit[name])));
        Assert.That(s_aot["Tick"], Does.StartWith("[('Time', '<i8'), "));
    }

    [Test]
    public void Structs_are_described_rightly_or_refused_under_native_AOT()
    {
        Assert.That(s_jit["SystemArrays"], Is.EqualTo(
            "[('Grid', ('<i2', (3,)), (2,)), ('Days', '<i4', (16,)), ('Ids', '|V16', (2,)), ('', '|V4'), "
            + "('Elements', [('First', '|u1'), ('', '|V7'), ('Second', '<i8')], (3,))]"));
        Assert.That(s_jit["NamedFields"], Is.EqualTo("[('bid price', '<f8'), ('time-stamp', '<M8[ns]'), ('Delay', '<m8[12h]')]"));
        Assert.That(s_aot.Keys, Is.EquivalentTo(s_jit.Keys));
        Assert.That(s_aot.Where(line => line.Value != s_jit[line.Key]), Is.EquivalentTo(new[]
        {
            Refused("Inner"),
            Refused("Inner", type: "Outer`1[System.Runtime.CompilerServices.InlineArray4`1[Inner]]"),
            Refused("Covered"),
            Refused("Aligned"),
            Refused("Stamped"),
            Refused("PartlyReflected"),
            Refused("PartlyPlaced"),
            Refused("Levels", "Levels", "Use InlineArray4<T> instead, or put"),
            Refused("Trio`1[System.Int32]", "Trio<...>", "Use InlineArray3<T> instead, or put"),
        }));

        static KeyValuePair<string, string> Refused(string inside, string? name = null, string put = "Put", string? type = null)
        {
            type ??= $"Outer`1[{inside}]";
            return KeyValuePair.Create(
                type,
                $"refused: An array cannot hold '{type}': native AOT has not kept all fields of '{inside}'. "
                + $"{put} [DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof({name ?? inside}))] on the field 'Inside', "
                + "or set IlcTrimMetadata to false and IlcGenerateCompleteTypeMetadata to true in the project.");
        }
    }

    [Test]
    public void Structs_with_all_metadata_are_described_under_native_AOT()
    {
        _ = Publish("-p:IlcTrimMetadata=false", "-p:IlcGenerateCompleteTypeMetadata=true");
        Assert.That(DescribeAheadOfTime(), Is.EqualTo(s_jit));
    }

    [Test]
    public void Metadata_that_lacks_unused_fields_is_not_taken_for_all_under_native_AOT()
    {
        _ = Publish("-p:IlcTrimMetadata=false");
        Assert.That(DescribeAheadOfTime()["Outer`1[Levels]"], Does.StartWith("refused: ").And.Contain("'Levels'"));
    }

    // Returns the assembly that was compiled.
    private static string Publish(params string[] properties)
    {
        // No compiler or build node stays behind that would hold the pipes open. Each line has its own time limit.
        string[] command =
        [
            "dotnet", "publish", Path.Combine(s_folder, "structs.cs"), "--configuration", "Release", "--verbosity", "normal",
        ];
        using ChildProcess publish = ChildProcess.Start(
            [("MSBUILDDISABLENODEREUSE", "1")], [.. command, "--output", Path.Combine(s_folder, "out"), .. properties]);
        while (publish.ReadLine() is not null)
        {
        }

        publish.WaitForSuccess();
        return AssemblyPath().Match(publish.Output).Groups[1].Value;
    }

    private static Dictionary<string, string> DescribeAheadOfTime() => Describe(Path.Combine(s_folder, "out", "structs"));

    // Returns the line of each type that the program prints.
    private static Dictionary<string, string> Describe(params string[] command) => ChildProcess.Run(command).Split('\n')
        .Select(static line => line.Split(": ", 2))
        .Where(static parts => parts.Length == 2)
        .ToDictionary(static parts => parts[0], static parts => parts[1]);

    [GeneratedRegex(@"\bstruct (\w+)")]
    private static partial Regex StructName();

    [GeneratedRegex(@" -> (/.*/structs\.dll)\n")]
    private static partial Regex AssemblyPath();
}
