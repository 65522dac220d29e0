using PosixShm.Tests.Gates;

namespace PosixShm.Tests;

/// <summary>
/// Compares the results on a platform with the list of failures in docs/PLATFORMS.md. <c>./build.sh test-platforms</c> runs it.
/// </summary>
internal static class PlatformReport
{
    /// <summary>Prints the report. The exit code is 0 if exactly the listed tests failed.</summary>
    /// <param name="args">The platform, which is the heading of a section of the page, and the path of the records.</param>
    public static int Run(string[] args)
    {
        string[] listed = Citations.In(Section(Regions.Page("docs", "PLATFORMS.md"), args[0]));
        (string[] lines, bool isAsListed) = Compare(TestRecord.Read(args[1]), listed);
        foreach (string line in lines)
        {
            Console.WriteLine(line);
        }

        return isAsListed ? 0 : 1;
    }

    /// <summary>Returns the section of a page below a heading, up to the next one.</summary>
    public static string Section(string page, string heading)
    {
        string[] parts = page.Split($"\n## {heading}\n");
        return parts.Length == 2
            ? parts[1].Split("\n## ")[0]
            : throw new ArgumentException($"The page does not have one heading '## {heading}'.", nameof(heading));
    }

    /// <summary>Returns the lines of the report, and whether exactly the listed tests failed.</summary>
    public static (string[] Lines, bool IsAsListed) Compare(IReadOnlyList<TestRecord> records, IReadOnlyList<string> listed)
    {
        TestRecord[] failed = [.. records.Where(static record => record.Outcome != TestOutcome.Passed)];
        TestRecord[] news = [.. failed.Where(record => !listed.Contains(record.Citation))];
        string[] passed = [.. listed.Except(failed.Select(static record => record.Citation))];
        string[] lines =
        [
            .. failed.Order(Comparer<TestRecord>.Create(static (a, b) => string.CompareOrdinal(a.Test, b.Test)))
                .Select(static record => $"{Word(record.Outcome)} {record.Test}: {record.Message}"),
            .. news.Select(static record => record.Citation).Distinct().Order().Select(static name => $"not listed: {name} did not pass"),
            .. passed.Order().Select(static name => $"listed: {name} did not fail"),
            $"{records.Count - failed.Length} passed, {failed.Length - news.Length} failed as listed, {news.Length} failed otherwise",
        ];
        return (lines, records.Count > 0 && news.Length == 0 && passed.Length == 0);
    }

    private static string Word(TestOutcome outcome) => outcome switch
    {
        TestOutcome.Started => "did not finish:",
        TestOutcome.Skipped => "skipped:",
        _ => "failed:",
    };
}
