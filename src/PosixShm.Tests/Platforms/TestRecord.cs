using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>How far a test came.</summary>
internal enum TestOutcome
{
    /// <summary>It did not finish, because the process ended.</summary>
    Started,

    /// <summary>It passed.</summary>
    Passed,

    /// <summary>It did not pass.</summary>
    Failed,

    /// <summary>It was skipped.</summary>
    Skipped,
}

/// <summary>A line of a file of results: outcome, full name of the test, message.</summary>
internal sealed partial record TestRecord(TestOutcome Outcome, string Test, string Message)
{
    /// <summary>Gets the test as a page cites it, <c>Class.Method</c>, without arguments.</summary>
    public string Citation => Qualified().Match(Test) is { Success: true } match
        ? $"{match.Groups["class"].Value}.{match.Groups["method"].Value}"
        : Test;

    /// <summary>Returns the records of a file, of each test the last one.</summary>
    // The process may have ended within a line.
    public static IReadOnlyList<TestRecord> Read(string path) =>
    [
        .. File.ReadLines(path)
            .Select(static line => line.Split('\t', 3))
            .Where(static fields => fields.Length == 3)
            .Select(static fields => new TestRecord(Enum.Parse<TestOutcome>(fields[0]), fields[1], fields[2]))
            .GroupBy(static record => record.Test)
            .Select(static records => records.Last()),
    ];

    public override string ToString() => $"{Outcome}\t{OnOneLine(Test)}\t{OnOneLine(Message)}";

    private static string OnOneLine(string text) => Whitespace().Replace(text, " ").Trim();

    // A fixture may have arguments, and so may a method.
    [GeneratedRegex(@"^(?:\w+\.)+(?<class>\w+Tests)(?:\(.*?\))?\.(?<method>\w+)")]
    private static partial Regex Qualified();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();
}
