using System.Text.RegularExpressions;

namespace PosixShm.Tests.Gates;

/// <summary>CHANGELOG.md has one entry for each subject of a version.</summary>
internal sealed partial class ChangelogTests
{
    [Test]
    public void Each_subject_has_one_entry() => Assert.That(Problems(Regions.Page("CHANGELOG.md")), Is.Empty);

    [TestCase("## 1\n- **A**: one.\n- **B**: two.\n## 0\n- **A**: old.", "")]
    [TestCase("## 1\n- **A**: one.\n- **A**: two.", "**A**")]
    [TestCase("## 1\n- **A**: one.\n- **a**: two.", "**a**")]
    [TestCase("## 1\n- An entry.", "- An entry.")]
    public void Repeated_or_missing_subject_is_a_problem(string text, string expected)
        => Assert.That(Problems(text), Is.EqualTo(expected.Split('\n', StringSplitOptions.RemoveEmptyEntries)));

    private static IEnumerable<string> Problems(string text) => text.Split("\n## ").SelectMany(static version =>
    {
        HashSet<string> subjects = new(StringComparer.OrdinalIgnoreCase);
        return version.Split('\n')
            .Where(static line => line.StartsWith("- ", StringComparison.Ordinal))
            .Select(static entry => Subject().Match(entry) is { Success: true } found ? found.Groups[1].Value : entry)
            .Where(subject => !subject.StartsWith('*') || !subjects.Add(subject));
    });

    [GeneratedRegex(@"^- (\*\*[^*]+\*\*): ")]
    private static partial Regex Subject();
}
