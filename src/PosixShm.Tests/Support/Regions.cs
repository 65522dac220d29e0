namespace PosixShm.Tests;

/// <summary>The regions of a test file, which a page shows: the code of the page is the code that runs.</summary>
internal static class Regions
{
    /// <summary>Gives the code of every region of a test file by the region's name, without the indentation.</summary>
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
                regions.Add(line["#region ".Length..], string.Join('\n', source[(i + 1)..end].Select(code => code.Length >= indent ? code[indent..] : code)));
                i = end;
            }
        }

        return regions;
    }

    /// <summary>Gives the text of a page.</summary>
    public static string Page(params string[] path) => File.ReadAllText(Path.Combine([Repository.Root, .. path]));

    /// <summary>Counts the C# blocks of a page.</summary>
    public static int CountBlocks(string page) => page.Split("```csharp\n").Length - 1;
}
