using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>Keeps the layers of src/PosixShm pointing one way: each folder may only use the ones it lists.</summary>
internal sealed partial class LayeringTests
{
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Native"] = [],
        ["Names"] = ["Native"],
        ["Format"] = [],
        ["Segments"] = ["Names", "Native"],
        ["Arrays"] = ["Names", "Native", "Format", "Segments"],
        ["Synchronization"] = ["Names", "Native", "Format", "Segments", "Arrays"],
        [""] = ["Synchronization", "Names", "Format", "Segments", "Arrays"],
    };

    private static string SourceRoot => Path.Combine(Repository.Root, "src", "PosixShm");

    [Test]
    public void A_file_uses_only_the_layers_below_it()
    {
        foreach (string file in Directory.EnumerateFiles(SourceRoot, "*.cs", SearchOption.AllDirectories))
        {
            string layer = Path.GetRelativePath(SourceRoot, Path.GetDirectoryName(file)!).TrimStart('.');
            IEnumerable<string> used = UsingLayer().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value);

            Assert.That(used, Is.SubsetOf(s_allowed[layer]), file);
        }
    }

    [GeneratedRegex(@"^using PosixShm\.(\w+);", RegexOptions.Multiline)]
    private static partial Regex UsingLayer();
}
