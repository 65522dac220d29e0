namespace PosixShm.Tests;

/// <summary>The regions of a test file, which a page shows: the code of the page is the code that runs.</summary>
internal static class Regions
{
    /// <summary>Returns the code of every region of a test file by the region's name, without the indentation.</summary>
    public static Dictionary<string, string> Of(string file)
    {
        Dictionary<string, string> regions = [];
        string[] source = File.ReadAllLines(
            Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "PosixShm.Tests"), file, SearchOption.AllDirectories).Single());
        for (int i = 0; i < source.Length; i++)
        {
            string line = source[i].Trim();
            if (line.StartsWith("#region ", StringComparison.Ordinal))
            {
                int end = Array.FindIndex(source, i, static line => line.Trim() == "#endregion");
                int indent = source[i].Length - source[i].TrimStart().Length;
                IEnumerable<string> code = source[(i + 1)..end].Select(code => code.Length >= indent ? code[indent..] : code);
                regions.Add(line["#region ".Length..], string.Join('\n', code));
                i = end;
            }
        }

        return regions;
    }

    /// <summary>Checks that a page shows each region of a test file, and no other C# code.</summary>
    public static void CompareWithPage(string file, params string[] path)
    {
        string page = Page(path);
        Dictionary<string, string> regions = Of(file);
        foreach (string code in regions.Values)
        {
            Assert.That(page, Does.Contain($"```csharp\n{code.Replace("private ", string.Empty, StringComparison.Ordinal)}\n```"));
        }

        Assert.That(CountBlocks(page), Is.EqualTo(regions.Count), "the page has other code");
    }

    /// <summary>Returns the text of a page.</summary>
    public static string Page(params string[] path) => File.ReadAllText(Path.Combine([Repository.Root, .. path]));

    /// <summary>Counts the C# blocks of a page.</summary>
    public static int CountBlocks(string page) => page.Split("```csharp\n").Length - 1;
}
