using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>
/// Sections of a page as one script of bash(1), and the output that the page shows. A block after a line that ends with the name of a file
/// is that file. A block of sh is commands, and one without a language is the output of the commands before it.
/// </summary>
internal sealed partial class PageScript
{
    private const string OutputBegins = "-- output";

    private readonly List<string> _lines = ["set -euo pipefail"];
    private readonly List<string> _outputs = [];

    /// <summary>Initializes a new instance of the <see cref="PageScript"/> class.</summary>
    /// <param name="page">The text of the page.</param>
    /// <param name="sections">The titles of the sections, in the order in which they run.</param>
    /// <param name="change">Changes a line of a command before it runs.</param>
    public PageScript(string page, IEnumerable<string> sections, Func<string, string> change)
    {
        foreach (Match block in sections.SelectMany(section => Block().Matches(Sections(page)[section])))
        {
            string code = block.Groups["code"].Value;
            if (block.Groups["file"].Success)
            {
                _lines.Add($"cat > {block.Groups["file"].Value} <<'END OF FILE'\n{code}\nEND OF FILE");
            }
            else if (block.Groups["language"].Value == "sh")
            {
                _lines.Add($"echo '{OutputBegins}'");
                _lines.AddRange(code.Split('\n').Select(change).SelectMany(Timed));
                _outputs.Add(string.Empty);
            }
            else if (block.Groups["language"].Value.Length == 0)
            {
                _outputs[^1] = code + "\n";
            }
            else
            {
                Assert.Fail($"the page does not name the file of this block: {code}");
            }
        }
    }

    /// <summary>Gets the text of the script. It prints the time of each command to standard error.</summary>
    public string Text => string.Join('\n', _lines);

    /// <summary>Returns the text of each section of a page by its title.</summary>
    public static Dictionary<string, string> Sections(string page)
        => page.Split("\n## ").Skip(1).ToDictionary(static section => section.Split('\n')[0], static section => section);

    /// <summary>Checks that the output of each block of commands ends as the page shows.</summary>
    public void Check(string output)
    {
        string[] parts = output.Split(OutputBegins + "\n")[1..];
        Assert.That(parts, Has.Length.EqualTo(_outputs.Count));
        Assert.Multiple(() =>
        {
            foreach ((string part, string expected) in parts.Zip(_outputs))
            {
                Assert.That(part, Does.EndWith(expected));
            }
        });
    }

    private static IEnumerable<string> Timed(string command)
    {
        string label = command.Replace("%", "%%", StringComparison.Ordinal).Replace("'", @"'\''", StringComparison.Ordinal);
        return [$"TIMEFORMAT='%R s  {label}'", $"time {command}"];
    }

    [GeneratedRegex("(?:`(?<file>[\\w-]+\\.[\\w.]+)`:\n\n)?```(?<language>\\w*)\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
