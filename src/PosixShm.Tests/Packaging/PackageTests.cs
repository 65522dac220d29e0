using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace PosixShm.Tests;

/// <summary>The contents of the library's package, and of its symbols.</summary>
[Category("More")]
internal sealed class PackageTests
{
    private const int MostBytes = 300_000;

    private static readonly Guid s_embeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    [Test]
    public void Package_has_the_library_its_documentation_and_the_shim_of_every_platform_and_no_other_file()
    {
        using ZipArchive package = ZipFile.OpenRead(PackedFiles.Library);
        string[] ofNuGet = ["[Content_Types].xml", "_rels/.rels", "package/services/metadata/core-properties/nuget.psmdcp"];
        Assert.That(
            package.Entries.Select(static entry => entry.FullName),
            Is.EquivalentTo((string[])
            [
                .. ofNuGet,
                "PosixShm.nuspec",
                "LICENSE",
                "README.md",
                "icon.png",
                "lib/net10.0/PosixShm.dll",
                "lib/net10.0/PosixShm.xml",
                .. PackedFiles.Platforms.Select(static platform => $"runtimes/{platform}/native/libposixshm.so"),
            ]));
        Assert.That(new FileInfo(PackedFiles.Library).Length, Is.LessThanOrEqualTo(MostBytes));
        foreach (string platform in PackedFiles.Platforms)
        {
            Assert.That(
                Bytes(package, $"runtimes/{platform}/native/libposixshm.so"), Is.EqualTo(File.ReadAllBytes(PackedFiles.Shim(platform))));
        }
    }

    [Test]
    public void Package_names_its_licence_readme_icon_and_changes()
    {
        using ZipArchive package = ZipFile.OpenRead(PackedFiles.Library);
        XElement metadata = XDocument.Parse(Text(package, "PosixShm.nuspec")).Root!.Elements().First();
        string Value(string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;

        Assert.That(Value("id"), Is.EqualTo("PosixShm"));
        Assert.That(Value("version"), Is.EqualTo(PackedFiles.Version));
        Assert.That(Value("license"), Is.EqualTo("MIT"));
        Assert.That(Value("icon"), Is.EqualTo("icon.png"));
        Assert.That(Value("readme"), Is.EqualTo("README.md"));
        Assert.That(Value("releaseNotes"), Does.StartWith("## [").And.Contain(PackedFiles.Version));
        Assert.That(Regions.Page("CHANGELOG.md"), Does.Contain(Value("releaseNotes")));
        Assert.That(Text(package, "LICENSE"), Is.EqualTo(Regions.Page("LICENSE")));
        Assert.That(Bytes(package, "icon.png").Take(4), Is.EqualTo(new byte[] { 0x89, (byte)'P', (byte)'N', (byte)'G' }));
    }

    [Test]
    public void Package_documents_every_public_type_and_no_other_one()
    {
        using ZipArchive package = ZipFile.OpenRead(PackedFiles.Library);
        string[] members = [.. XDocument.Parse(Text(package, "lib/net10.0/PosixShm.xml")).Descendants("member")
            .Select(static member => member.Attribute("name")!.Value)];
        Assert.That(
            members.Where(static name => name.StartsWith("T:", StringComparison.Ordinal)),
            Is.EquivalentTo(typeof(SharedArray).Assembly.GetExportedTypes()
                .Select(static type => $"T:{type.FullName!.Replace('+', '.')}")));
        Assert.That(members, Does.Contain("M:PosixShm.SharedArray.Exists(System.String)").And.Contain("P:PosixShm.SharedArrayInfo.Shape"));
    }

    [Test]
    public void Symbols_belong_to_the_library_and_have_every_source_inside()
    {
        using ZipArchive package = ZipFile.OpenRead(PackedFiles.Library);
        using ZipArchive symbols = ZipFile.OpenRead(PackedFiles.Symbols);
        using PEReader library = new(new MemoryStream(Bytes(package, "lib/net10.0/PosixShm.dll")));
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(
            new MemoryStream(Bytes(symbols, "lib/net10.0/PosixShm.pdb")));
        MetadataReader pdb = provider.GetMetadataReader();

        DebugDirectoryEntry entry = library.ReadDebugDirectory().Single(static entry => entry.Type == DebugDirectoryEntryType.CodeView);
        Assert.That(pdb.DebugMetadataHeader!.Id.Take(16), Is.EqualTo(library.ReadCodeViewDebugDirectoryData(entry).Guid.ToByteArray()));
        Assert.That(pdb.Documents, Has.Count.GreaterThan(100));
        foreach (DocumentHandle handle in pdb.Documents)
        {
            string source = pdb.GetString(pdb.GetDocument(handle).Name);
            IEnumerable<Guid> kinds = pdb.GetCustomDebugInformation(handle)
                .Select(information => pdb.GetGuid(pdb.GetCustomDebugInformation(information).Kind));
            Assert.That(source, Does.StartWith("/_/"));
            Assert.That(kinds, Does.Contain(s_embeddedSource), source);
        }
    }

    private static byte[] Bytes(ZipArchive package, string entry)
    {
        using Stream stream = package.GetEntry(entry)!.Open();
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    private static string Text(ZipArchive package, string entry)
    {
        using StreamReader reader = new(package.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }
}
