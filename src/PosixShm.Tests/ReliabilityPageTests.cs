using System.Reflection;
using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>docs/RELIABILITY.md promises what tests show: each test that it names exists.</summary>
internal sealed partial class ReliabilityPageTests
{
    [Test]
    public void Every_test_that_the_page_names_exists()
    {
        HashSet<string> tests =
        [
            .. from type in typeof(Program).Assembly.GetTypes()
               from method in type.GetMethods()
               from attribute in method.GetCustomAttributes()
               where attribute is TestAttribute or TestCaseAttribute or TestCaseSourceAttribute
               from name in new[] { method.Name, (attribute as TestCaseAttribute)?.TestName }
               where name is not null
               select name,
        ];

        string[] named = [.. TestName().Matches(Regions.Page("docs", "RELIABILITY.md")).Select(match => match.Groups[1].Value)];
        Assert.That(named, Has.Length.GreaterThan(60));
        Assert.That(named.Except(tests), Is.Empty);
    }

    // A sentence: at least three words.
    [GeneratedRegex(@"`([A-Z]\w*_\w+_\w+)`")]
    private static partial Regex TestName();
}
