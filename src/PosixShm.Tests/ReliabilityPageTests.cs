using System.Reflection;
using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>docs/RELIABILITY.md promises what tests show: each test that it names exists, and each row has one of the first tier.</summary>
internal sealed partial class ReliabilityPageTests
{
    private static readonly Lazy<ILookup<string, bool>> s_tests = new(() => Tests().ToLookup(test => test.Name, test => test.IsFirstTier));

    [Test]
    public void Every_test_that_the_page_names_exists()
    {
        string[] named = [.. TestNames(Regions.Page("docs", "RELIABILITY.md"))];
        Assert.That(named, Has.Length.GreaterThan(60));
        Assert.That(named.Where(name => !s_tests.Value.Contains(name)), Is.Empty);
    }

    [Test]
    public void Every_row_has_a_test_of_the_first_tier_or_says_why_it_has_none()
    {
        string[] rows = [.. Regions.Page("docs", "RELIABILITY.md").Split('\n').Where(IsRow)];
        Assert.That(rows, Has.Length.GreaterThan(60));
        Assert.That(rows.Where(row => !HasFirstTier(row) && !row.Contains("no test", StringComparison.Ordinal)), Is.Empty);

        static bool HasFirstTier(string row) => TestNames(row).Any(name => s_tests.Value[name].Contains(true));
    }

    // Below the head of a table and the line under it.
    private static bool IsRow(string line)
        => line.StartsWith("| ", StringComparison.Ordinal) && !line.EndsWith("| shown by |", StringComparison.Ordinal);

    private static IEnumerable<string> TestNames(string text) => TestName().Matches(text).Select(match => match.Groups[1].Value);

    private static IEnumerable<(string Name, bool IsFirstTier)> Tests()
        => from type in typeof(Program).Assembly.GetTypes()
           from method in type.GetMethods()
           from attribute in method.GetCustomAttributes()
           where attribute is TestAttribute or TestCaseAttribute or TestCaseSourceAttribute
           let category = (attribute as TestCaseAttribute)?.Category
           let others = method.GetCustomAttributes<CategoryAttribute>().Concat(type.GetCustomAttributes<CategoryAttribute>())
           from name in new[] { method.Name, (attribute as TestCaseAttribute)?.TestName }
           where name is not null
           select (name, !others.Select(other => other.Name).Append(category).Contains("More"));

    // A sentence: at least three words.
    [GeneratedRegex(@"`([A-Z]\w*_\w+_\w+)`")]
    private static partial Regex TestName();
}
