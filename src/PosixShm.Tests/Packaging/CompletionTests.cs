namespace PosixShm.Tests;

/// <summary>The completions of the .deb, in the shells.</summary>
[Category("More")]
internal sealed class CompletionTests : CommandPackageTest
{
    private static readonly string[] s_shells = ["bash", "zsh", "fish"];

    private static readonly string s_terminal = Path.Combine(
        Repository.Root, "src", "PosixShm.Tests", "Fixtures", "Completion", "complete.py");

    private string Usr => Path.Combine(Folder, $"{Path.GetFileName(Deb(PackedFiles.HostPlatform))}.d", "usr");

    [SetUp]
    public void UnpackDeb() => _ = Unpack(Deb(PackedFiles.HostPlatform));

    [Test]
    public void Shell_completes_commands_and_options([ValueSource(nameof(s_shells))] string shell)
    {
        Assert.That(Complete(shell, "pshm inf"), Is.EqualTo("info"));
        Assert.That(Complete(shell, "pshm semaphore po"), Is.EqualTo("post"));
        Assert.That(Complete(shell, "pshm create x --lay"), Is.EqualTo("--layout"));
        Assert.That(Complete(shell, "pshm create x --layout sh"), Is.EqualTo("sharedarray"));
    }

    [Test]
    public void Shell_completes_names_of_arrays([ValueSource(nameof(s_shells))] string shell)
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        Assert.That(Complete(shell, $"pshm info {Name[..^1]}"), Is.EqualTo(Name));

        SharedArray.Create<int>(NameOf("größe"), 1).Dispose();
        Assert.That(Complete(shell, $"pshm info {Name}-g"), Is.EqualTo(NameOf("größe")));

        SharedArray.Create<int>($"file://{Folder}/elsewhere", 1).Dispose();
        Assert.That(Complete(shell, $"pshm --dir {Folder} delete else"), Is.EqualTo("elsewhere"));
    }

    [Test]
    public void Characters_of_a_name_that_mean_something_to_the_shell_are_quoted([ValueSource(nameof(s_shells))] string shell)
    {
        string spaced = NameOf("two words");
        SharedArray.Create<int>(spaced, 1).Dispose();
        Assert.That(Complete(shell, $"pshm info {Name}-two\\ w"), Is.EqualTo(spaced));

        string command = NameOf("$(touch run)`touch run`;touch run");
        SharedArray.Create<int>(command, 1).Dispose();
        Assert.That(Complete(shell, $"pshm info {Name}-\\$"), Is.EqualTo(command));
        Assert.That(Path.Combine(Folder, "run"), Does.Not.Exist);
    }

    // Returns the last word of the completed line.
    private string Complete(string shell, string line)
    {
        string path = $"PATH={Usr}/bin:{Environment.GetEnvironmentVariable("PATH")}";
        string[] environment = ["env", path, "LC_ALL=C.UTF-8", "TERM=dumb", $"HOME={Folder}"];
        string share = Path.Combine(Usr, "share");
        string[] command = shell switch
        {
            "bash" => InTerminal($"source {share}/bash-completion/completions/pshm", "bash", "--norc", "--noprofile", "-i"),
            "zsh" => InTerminal($"fpath=({share}/zsh/vendor-completions $fpath); autoload -U compinit; compinit -u -D", "zsh", "-f", "-i"),

            // fish prints the completions of a line without a terminal.
            _ => ["fish", "--no-config", "-c", $"cd {Folder}; source {share}/fish/vendor_completions.d/pshm.fish; complete -C $argv", line],
        };
        return ChildProcess.Run([.. environment, .. command]).TrimEnd('\n').Split('\n')[^1];

        string[] InTerminal(string setup, params string[] program)
            => [Python.Interpreter, s_terminal, Folder, line, setup, .. program];
    }
}
