using System.Text.RegularExpressions;

namespace PosixShm.Tests;

internal sealed partial class CommandLineTests : CommandTest
{
    private static readonly string[] s_commands = ["create", "list", "info", "show", "unlock", "semaphore", "delete"];

    [Test]
    public void Help_names_every_command([Values("", "--help", "-h")] string option)
    {
        string help = option.Length == 0 ? Pshm() : Pshm(option);
        Assert.That(s_commands.Where(command => !help.Contains($"\n  {command} ", StringComparison.Ordinal)), Is.Empty);
    }

    [TestCaseSource(nameof(s_commands))]
    public void Every_command_has_help(string command) => Assert.That(Pshm(command, "--help"), Does.Contain($"pshm {command}"));

    [Test]
    public void Version_is_a_version() => Assert.That(Pshm("--version").Trim(), Does.Match(@"^\d+\.\d+\.\d+$"));

    [TestCase("frobnicate")]
    [TestCase("--frobnicate")]
    [TestCase("list", "x")]
    [TestCase("list", "--jsn")]
    [TestCase("info")]
    [TestCase("info", "x", "y")]
    [TestCase("show")]
    [TestCase("show", "--jsn")]
    [TestCase("delete")]
    [TestCase("create")]
    [TestCase("create", "x", "--dtype")]
    [TestCase("create", "x", "--fill")]
    [TestCase("create", "x", "--frobnicate", "3")]
    [TestCase("unlock")]
    [TestCase("unlock", "x", "--lock")]
    [TestCase("unlock", "x", "--lock", "first")]
    [TestCase("semaphore")]
    [TestCase("semaphore", "frobnicate")]
    [TestCase("semaphore", "list", "x")]
    [TestCase("semaphore", "create")]
    [TestCase("semaphore", "create", "x", "many")]
    [TestCase("semaphore", "create", "x", "-1")]
    [TestCase("semaphore", "post", "x", "--count", "0")]
    [TestCase("semaphore", "wait", "x", "--timeout", "soon")]
    [TestCase("semaphore", "wait", "x", "--timeout", "-1")]
    [TestCase("semaphore", "wait", "x", "--timeout", "1e9")]
    [TestCase("semaphore", "delete")]
    [TestCase("semaphore", "delete", "a/b")]
    [TestCase("delete", "")]
    [TestCase("info", "a\nb")]
    public void Wrong_use_is_one_line_and_exit_code_two(params string[] args) => Assert.That(Fail(2, args), Is.Not.Empty);

    [TestCase("lst", "Did you mean one of the following? list.")]
    [TestCase("semaphore pst", "Did you mean one of the following? post.")]
    [TestCase("list --jsn", "Did you mean one of the following? --json.")]
    [TestCase("delete --dri x", "Did you mean one of the following? --dir.")]
    [TestCase("create x --fil 3", "Did you mean one of the following? --fill.")]
    public void Misspelt_word_brings_about_the_similar_one(string line, string question)
        => Assert.That(Fail(2, line.Split(' ')), Does.Contain(question));

    [TestCase("list x", "Unrecognized command or argument 'x'.")]
    [TestCase("frobnicate", "Unrecognized command or argument 'frobnicate'.")]
    [TestCase("delete --frobnicate x", "The option '--frobnicate' does not exist.")]
    public void Word_without_a_similar_one_is_named(string line, string problem)
        => Assert.That(Fail(2, line.Split(' ')), Does.StartWith(problem));

    [TestCase("pshm lis", "list")]
    [TestCase("pshm list --js", "--json")]
    [TestCase("pshm semaphore po", "post")]
    public void Shell_completes_commands_and_options(string line, string expected) => Assert.That(Complete(line), Is.EqualTo([expected]));

    [Test]
    public void Shell_completes_names()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        Assert.That(Complete($"pshm info {Name[..^1]}"), Does.Contain(Name));

        using SharedArray<int> elsewhere = SharedArray.Create<int>($"file://{Folder}/elsewhere", 1);
        Assert.That(Complete($"pshm --dir {Folder} info else"), Is.EqualTo(["elsewhere"]));
    }

    // Calls the function as bash does.
    private static string[] Complete(string line) => Shell(
        "source \"$1\"; COMP_LINE=\"$2\" COMP_POINT=${#2}; _pshm \"$pshm\" \"${2##* }\"; printf '%s\\n' \"${COMPREPLY[@]}\"",
        Path.Combine(Repository.Root, "src", "PosixShm.Cli", "Completions", "pshm.bash"),
        line).Split('\n');

    [GeneratedRegex(@"^  (?:-h, )?(--[a-z-]+)", RegexOptions.Multiline)]
    private static partial Regex HelpOption();

    [Test]
    public void Help_has_no_name_that_an_array_can_have() => Assert.That(Complete("pshm info /"), Is.EqualTo([""]));

    [TestCase("")]
    [TestCaseSource(nameof(s_commands))]
    [TestCase("semaphore post")]
    public void Man_page_has_every_option_of_a_command(string command)
    {
        string page = Pshm("[man]").Replace("\\-", "-", StringComparison.Ordinal);
        string help = Pshm([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        IEnumerable<string> options = HelpOption().Matches(help).Select(static match => match.Groups[1].Value);
        Assert.That(options, Does.Contain("--help"));
        Assert.That(options.Where(option => !page.Contains($"\n\\fB{option}\\fR", StringComparison.Ordinal)), Is.Empty);
        Assert.That(page, Does.Contain($"\\fBpshm {command}").Or.Contain($".SS pshm {command}"));
    }

    [Test]
    public void Names_may_begin_with_a_dash_or_an_at_sign()
    {
        Assert.That(Fail(1, "info", "--", $"-{Name}"), Does.Contain($"'-{Name}'"));
        Assert.That(Fail(1, "info", $"@{Name}"), Does.Contain($"'@{Name}'"));
    }

    [Test]
    public void Command_runs_in_any_directory()
        => Assert.That(
            Shell("cd /; \"$pshm\" --version > /dev/null; ln -s \"$pshm\" \"$1/link\"; \"$1/link\" --help | head -n 1", Folder),
            Is.Not.Empty);
}
