using System.IO.Compression;
using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>The readme of each NuGet package, which is shown without the other pages of the repository.</summary>
[Category("More")]
internal sealed partial class PackageReadmeTests
{
    [TestCase("PosixShm.[0-9].*", 1, "README.md")]
    [TestCase("PosixShm.Tool.*", 5, "docs", "CLI.md")]
    public void Readme_is_the_page_without_links_to_other_pages(string packages, int count, params string[] page)
    {
        string[] found =
        [
            .. Directory.GetFiles(PackedFiles.Existing(PackedFiles.Packages, "pack"), "*.nupkg")
                .Where(file => Regex.IsMatch(Path.GetFileName(file), packages)),
        ];
        Assert.That(found, Has.Length.EqualTo(count));
        string expected = Link().Replace(
            Regions.Page(page), static link => IsAddress(link.Groups["target"].Value) ? link.Value : link.Groups["text"].Value);
        foreach (string package in found)
        {
            using ZipArchive archive = ZipFile.OpenRead(package);
            using StreamReader reader = new(archive.GetEntry(page[^1])!.Open());
            string text = reader.ReadToEnd();
            Assert.That(text, Is.EqualTo(expected), package);
            Assert.That(Link().Matches(text).Where(static link => !IsAddress(link.Groups["target"].Value)), Is.Empty);
        }
    }

    private static bool IsAddress(string target) => Uri.IsWellFormedUriString(target, UriKind.Absolute);

    [GeneratedRegex(@"\[(?<text>[^\]\n]+)\]\((?<target>[^)\n]+)\)")]
    private static partial Regex Link();
}
