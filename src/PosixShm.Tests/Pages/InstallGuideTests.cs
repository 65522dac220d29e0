using System.Globalization;
using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>
/// Runs the commands and programs of docs/INSTALL.md as a new user does: with an empty home directory, in an empty directory, and with
/// nothing of this repository but its packages. The first program is that of the README.
/// </summary>
internal sealed partial class InstallGuideTests : NamedTest
{
    private const string Packages = "A directory of packages";
    private const string Deb = "The .deb";

    // Sections that run one after the other in one directory.
    private static readonly string[][] s_sections =
        [["C\\#", "Forms of publishing", "Alpine", "arm64", "The tool", "Upgrade"], ["F\\#"], ["The archive"]];

    private static readonly string[] s_notRun = ["Docker", "Kubernetes"];

    private static string Page => Regions.Page("docs", "INSTALL.md");

    [TestCaseSource(nameof(s_sections))]
    [Category("More")]
    public void Commands_print_what_the_page_shows(params string[] sections)
        => Run(sections, static command => Namespaces.WithFileSystem("/dev/shm", "size=50%", command));

    // Installed in a mount namespace, whose changes are in memory.
    [Test]
    [Category("More")]
    [NeedsRoot("installs a package of the system")]
    public void Commands_for_the_deb_install_the_command()
    {
        const string Overlay =
            """
            mount -t tmpfs none "$1"
            for directory in usr etc var; do
                mkdir -p "$1/$directory/upper" "$1/$directory/work"
                mount -t overlay -o "lowerdir=/$directory,upperdir=$1/$directory/upper,workdir=$1/$directory/work" none "/$directory"
            done
            mount -t tmpfs none /dev/shm
            """;
        string changes = Path.Combine(Folder, "changes");
        _ = Directory.CreateDirectory(changes);
        Run([Deb], command => Namespaces.WithMounts(Overlay, changes, command));
    }

    [Test]
    public void Programs_of_the_page_are_those_of_the_readme()
    {
        string readme = Regions.Page("README.md");
        foreach (string language in new[] { "csharp", "fsharp" })
        {
            string program = readme.Split($"```{language}\n")[1].Split("\n```")[0];
            Assert.That(Page, Does.Contain($"```{language}\n{program}\n```"));
        }
    }

    [Test]
    public void Every_section_with_code_is_run_or_named_as_not_run()
    {
        IEnumerable<string> withCode = PageScript.Sections(Page)
            .Where(static section => section.Value.Contains("\n```", StringComparison.Ordinal))
            .Select(static section => section.Key);
        Assert.That(withCode, Is.EquivalentTo([Packages, Deb, .. s_sections.SelectMany(static section => section), .. s_notRun]));
        string introduction = Page.Split("\n## ")[0];
        Assert.That(s_notRun.Where(section => !introduction.Contains($"[{section}](#", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Pages_name_the_version_of_the_packages_and_of_the_control_page()
    {
        string version = typeof(SharedArray).Assembly.GetName().Version!.ToString(3);
        string[] pages = [Page, Regions.Page("README.md"), Regions.Page("docs", "CLI.md")];
        foreach (string page in pages)
        {
            Assert.That(PackageVersion().Matches(page).Select(static match => match.Groups[1].Value).Distinct(), Is.EqualTo([version]));
        }

        ulong format = Formats.ControlPage.Word & 0xFFFF;
        Assert.That(Page, Does.Contain(string.Create(CultureInfo.InvariantCulture, $"| of the control page, {format} |")));
    }

    private void Run(IEnumerable<string> sections, Func<IEnumerable<string>, string[]> isolate)
    {
        string home = Path.Combine(Folder, "home");
        string work = Path.Combine(Folder, "work");
        _ = Directory.CreateDirectory(home);
        _ = Directory.CreateDirectory(work);
        _ = File.CreateSymbolicLink(Path.Combine(home, "PosixShm"), Repository.Root);
        _ = PackedFiles.Existing(PackedFiles.Packages, "pack");

        PageScript script = new(
            Page, [Packages, .. sections], static line => line.Replace("linux-x64", PackedFiles.HostPlatform, StringComparison.Ordinal));
        string[] command = ["env", "--chdir", work, "bash", "-c", $"{script.Text}\ntest -z \"$(ls -A /dev/shm)\""];

        // No compiler or build node stays behind that would hold the pipes open.
        using ChildProcess shell = ChildProcess.Start(
            [
                ("HOME", home),
                ("DOTNET_CLI_HOME", home),
                ("NUGET_PACKAGES", Path.Combine(home, ".nuget", "packages")),
                ("XDG_DATA_HOME", Path.Combine(home, ".local", "share")),
                ("TMPDIR", Directory.CreateDirectory(Path.Combine(Folder, "temporary")).FullName),
                ("MSBUILDDISABLENODEREUSE", "1"),
                ("UseSharedCompilation", "false"),
            ],
            isolate(command));
        while (shell.ReadLine() is not null)
        {
        }

        shell.WaitForSuccess();
        TestContext.Out.WriteLine(shell.Errors);
        script.Check(shell.Output);
    }

    [GeneratedRegex("(?:PosixShm(?:@|, )|pshm[-_])([0-9]+\\.[0-9]+\\.[0-9]+)")]
    private static partial Regex PackageVersion();
}
