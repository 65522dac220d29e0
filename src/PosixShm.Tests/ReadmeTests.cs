namespace PosixShm.Tests;

/// <summary>Runs the README's example, and holds the README to it.</summary>
[TestFixture]
[NonParallelizable]
internal sealed class ReadmeTests
{
    // The reader's name, so not one that only this test has: an array that was there before is not ours to touch.
    private const string ReadmeName = "posixshm-prices";

    [Test]
    public void The_first_example_runs()
    {
        Assert.That(SharedArray.Exists(ReadmeName), Is.False, $"the name is taken: pshm delete {ReadmeName}");
        try
        {
            #region Readme
            using SharedArray<double> prices = SharedArray.Create("posixshm-prices", 1024);
            prices[0] = 101.25;

            // In any other process:
            using SharedArray<double> same = SharedArray.Attach("posixshm-prices");
            Console.WriteLine(same[0]); // 101.25

            SharedArray.Delete("posixshm-prices");
            #endregion

            Assert.That(same[0], Is.EqualTo(101.25));
            Assert.That(SharedArray.Exists(ReadmeName), Is.False);
        }
        finally
        {
            _ = SharedArray.TryDelete(ReadmeName);
        }
    }

    [Test]
    public void The_readme_shows_the_code_that_runs()
    {
        string[] source = File.ReadAllLines(Path.Combine(Repository.Root, "src", "PosixShm.Tests", "ReadmeTests.cs"));
        int start = Array.FindIndex(source, static line => line.Trim() == "#region Readme") + 1;
        int end = Array.FindIndex(source, start, static line => line.Trim() == "#endregion");
        int indent = source[start].Length - source[start].TrimStart().Length;
        IEnumerable<string> example = source[start..end].Select(line => line.Length >= indent ? line[indent..] : line);

        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        Assert.That(readme, Does.Contain($"```csharp\n{string.Join('\n', example)}\n```"));
    }
}
