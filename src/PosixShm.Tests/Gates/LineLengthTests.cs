using System.Globalization;
using Microsoft.CodeAnalysis;

namespace PosixShm.Tests.Gates;

/// <summary>
/// Keeps lines within <c>max_line_length</c> of .editorconfig. LongLines.txt counts the longer lines of each file.
/// The counts only shrink: APPROVE=1 writes smaller counts, and all counts if the list does not exist.
/// </summary>
internal sealed class LineLengthTests
{
    private static string Allowed => Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Gates", "LongLines.txt");

    [Test]
    public void No_file_gets_another_long_line()
    {
        LineLimits limits = LineLimits.Of(
            SourceFiles.All().Where(static file => Path.GetFileName(file) == ".editorconfig")
                .Select(static file => (file, File.ReadAllText(file))));
        Dictionary<string, int> actual = SourceFiles.All()
            .Select(file => (Name: Path.GetRelativePath(Repository.Root, file), Count: limits.CountLonger(file, File.ReadLines(file))))
            .Where(static file => file.Count > 0)
            .ToDictionary(static file => file.Name, static file => file.Count);
        if (Environment.GetEnvironmentVariable("APPROVE") == "1")
        {
            Approve(actual);
        }

        Assert.That(Lines(actual), Is.EqualTo(File.ReadAllLines(Allowed)), "break the new long lines, or shorten the list with APPROVE=1");
    }

    [TestCase("/r/src/A.cs", 140, 0)]
    [TestCase("/r/src/A.cs", 141, 1)]
    [TestCase("/r/src/A.c", 120, 0)]
    [TestCase("/r/src/A.c", 121, 1)]
    [TestCase("/r/src/A.md", 1000, 0)]
    [TestCase("/r/src/wide/A.cs", 150, 0)]
    [TestCase("/r/src/wide/A.cs", 151, 1)]
    public void Longer_line_than_the_nearest_limit_is_counted(string path, int length, int expected)
    {
        LineLimits limits = LineLimits.Of(
        [
            ("/r/.editorconfig", "root = true\n[*.{cs,sh}]\nmax_line_length = 140\n[*.c]\nmax_line_length = 120\n"),
            ("/r/src/wide/.editorconfig", "[*.cs]\nmax_line_length = 150\n"),
        ]);
        Assert.That(limits.CountLonger(path, ["short", new string('x', length)]), Is.EqualTo(expected));
    }

    private static void Approve(Dictionary<string, int> actual)
    {
        Dictionary<string, int> before = !File.Exists(Allowed) ? actual : File.ReadAllLines(Allowed)
            .Select(static line => line.Split(' ', 2))
            .ToDictionary(static row => row[1], static row => int.Parse(row[0], CultureInfo.InvariantCulture));
        File.WriteAllLines(Allowed, Lines(
            from file in actual
            where before.ContainsKey(file.Key)
            select KeyValuePair.Create(file.Key, Math.Min(file.Value, before[file.Key]))));
    }

    private static IEnumerable<string> Lines(IEnumerable<KeyValuePair<string, int>> counts) => counts
        .OrderBy(static file => file.Key, StringComparer.Ordinal)
        .Select(static file => string.Create(CultureInfo.InvariantCulture, $"{file.Value} {file.Key}"));

    /// <summary>The limits of .editorconfig files, which the compiler reads.</summary>
    private sealed record LineLimits(AnalyzerConfigSet Configuration)
    {
        public static LineLimits Of(IEnumerable<(string Path, string Text)> files)
            => new(AnalyzerConfigSet.Create(files.Select(static file => AnalyzerConfig.Parse(file.Text, file.Path)).ToArray()));

        public int CountLonger(string path, IEnumerable<string> lines)
            => Configuration.GetOptionsForSourcePath(path).AnalyzerOptions.TryGetValue("max_line_length", out string? limit)
                ? lines.Count(line => line.Length > int.Parse(limit, CultureInfo.InvariantCulture))
                : 0;
    }
}
