namespace PosixShm.Tests;

/// <summary>A program that is published with native AOT, which drops the fields that nothing is seen to reflect.</summary>
internal sealed class NativeAotTests : NamedTest
{
    private const string Tick = "[('Time', '<i8'), ('Price', '<f8'), ('Volume', '<i4'), ('Side', '|u1'), ('', '|V3'), ('Depth', '<f4', (4,))]";

    [Test]
    public void Structs_are_described_rightly_or_refused_under_native_AOT()
    {
        Dictionary<string, string[]> lines = Publish();
        using (Assert.EnterMultipleScope())
        {
            AssertAlways(lines);
            Assert.That(lines["Tick"], Is.EqualTo(new[] { Refused("Tick", "Levels", "Depth") }));
            Assert.That(lines["Outer`1"], Is.EqualTo(new[]
            {
                Refused("Outer`1[Inner]", "Inner", "Inside"),
                Refused("Outer`1[Covered]", "Covered", "Inside"),
                Refused("Outer`1[Aligned]", "Aligned", "Inside"),
                Refused("Outer`1[PartlyReflected]", "PartlyReflected", "Inside"),
                Refused("Outer`1[PartlyPlaced]", "PartlyPlaced", "Inside"),
                Refused("Outer`1[Levels]", "Levels", "Inside"),
                "[('Number', '<i4'), ('Inside', '|V16')]",
                Refused("Outer`1[Trio`1[System.Int32]]", "Trio`1[System.Int32]", "Inside").Replace("typeof(Trio`1[System.Int32])", "typeof(Trio<...>)", StringComparison.Ordinal),
            }));
        }

        static string Refused(string type, string inside, string field)
            => $"refused: An array cannot hold '{type}': native AOT has not kept all fields of '{inside}'. Put [DynamicDependency(DynamicallyAccessedMemberTypes.All, "
            + $"typeof({inside}))] on the field '{field}', or set IlcTrimMetadata to false and IlcGenerateCompleteTypeMetadata to true in the project.";
    }

    [Test]
    public void With_all_metadata_every_struct_is_described_under_native_AOT()
    {
        Dictionary<string, string[]> lines = Publish("-p:IlcTrimMetadata=false", "-p:IlcGenerateCompleteTypeMetadata=true");
        using (Assert.EnterMultipleScope())
        {
            AssertAlways(lines);
            Assert.That(lines["Tick"], Is.EqualTo(new[] { Tick }));
            Assert.That(lines["Outer`1"][..4], Is.EqualTo(new[]
            {
                "[('Number', '<i4'), ('', '|V4'), ('Inside', [('First', '|u1'), ('', '|V3'), ('Second', '<i4'), ('Third', '<i8')])]",
                "[('Number', '<i4'), ('Inside', [('First', '<i4'), ('Second', '<f4')])]",
                "[('Number', '<i4'), ('', '|V4'), ('Inside', [('First', '<i4'), ('', '|V4'), ('Second', '<f8')])]",
                "[('Number', '<i4'), ('', '|V4'), ('Inside', [('Time', '<i8'), ('Price', '<f8')])]",
            }));
            Assert.That(lines["Outer`1"][4], Does.Contain("overlaps"));
            Assert.That(lines["Outer`1"][5], Is.EqualTo("[('Number', '<i4'), ('Inside', '<f4', (4,))]"));
        }
    }

    [Test]
    public void Metadata_that_lacks_unused_fields_is_not_taken_for_all_under_native_AOT()
        => Assert.That(Publish("-p:IlcTrimMetadata=false")["Tick"].Single(), Does.StartWith("refused: ").And.Contain("'Levels'"));

    private static void AssertAlways(Dictionary<string, string[]> lines)
    {
        AssertOne("AotTick", Tick);
        AssertOne("Flat", "[('Flag', '|b1'), ('', '|V1'), ('Letter', '<u2'), ('', '|V4'), ('Address', '<i8'), ('Id', '|V16'), ('Small', '<f2'), ('', '|V2'), ('Phase', '<c8'), ('', '|V4')]");
        AssertOne("Packed", "[('First', '|u1'), ('Second', '<i8')]");
        AssertOne("Sides", "[('Left', '|u1'), ('', '|V3'), ('Right', '<i4')]");
        AssertOne("Buffer", "[('Count', '<i4'), ('Values', '<i2', (5,)), ('', '|V2')]");
        AssertOne("Marked", "[('Inside', [('First', '|u1'), ('', '|V7'), ('Second', '<i8')])]");
        AssertOne("MarkedDeep", "[('Inside', [('Number', '|u1'), ('', '|V1'), ('Pairs', [('Left', '|u1'), ('', '|V1'), ('Right', '<i2')], (3,))])]");
        AssertOne("Complex64", "<c8");
        AssertOne("Vector3", "[('X', '<f4'), ('Y', '<f4'), ('Z', '<f4')]");
        Assert.That(lines["Lanes"].Single(), Does.Contain("an inline array").And.Contain("last dimension of 4"));
        Assert.That(lines["Addresses"].Single(), Does.Contain("'Values' is an address"));

        void AssertOne(string type, string dtype) => Assert.That(lines[type], Is.EqualTo(new[] { dtype }), type);
    }

    // What the program prints of each type.
    private Dictionary<string, string[]> Publish(params string[] properties)
    {
        string source = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Aot", "structs.cs");
        string output = Path.Combine(Folder, "aot");

        // No compiler or build node stays behind that would hold the pipes open. Each line has its own time limit.
        using (ChildProcess publish = ChildProcess.Start(
            "env", ["MSBUILDDISABLENODEREUSE=1", "dotnet", "publish", source, "--configuration", "Release", "--output", output, "--verbosity", "normal", .. properties]))
        {
            while (publish.ReadLine() is not null)
            {
            }

            publish.WaitForSuccess();
        }

        return ChildProcess.Run(Path.Combine(output, "structs")).Split('\n')
            .Select(static line => line.Split(": ", 2))
            .Where(static parts => parts.Length == 2)
            .GroupBy(static parts => parts[0], static parts => parts[1])
            .ToDictionary(static group => group.Key, static group => group.ToArray());
    }
}
