using System.Text.Json;
using System.Xml.Linq;

namespace PosixShm.Tests;

/// <summary>The contents of the command's packages, and the systems on which their programs run.</summary>
[Category("More")]
internal sealed class CommandPackageTests : CommandPackageTest
{
    private const int MostBytes = 3_500_000;

    // Before glibc 2.34, functions of the command are in all of these.
    private static readonly string[] s_libraries = ["libc.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libm.so.6"];

    private static readonly string[] s_ofAnyPackage =
    [
        "[Content_Types].xml", "_rels/.rels", "package/services/metadata/core-properties/nuget.psmdcp", "CLI.md", "LICENSE",
        "THIRD-PARTY-NOTICES.txt",
    ];

    private static readonly string[] s_assemblies =
    [
        "pshm.dll", "pshm.deps.json", "pshm.runtimeconfig.json", "PosixShm.dll", "Spectre.Console.Ansi.dll", "Spectre.Console.dll",
        "System.CommandLine.dll", "System.Numerics.Tensors.dll",
    ];

    private static readonly string[] s_installed =
    [
        "bin/pshm", "share/bash-completion/completions/pshm", "share/fish/vendor_completions.d/pshm.fish",
        "share/doc/pshm/THIRD-PARTY-NOTICES.txt",
    ];

    [Test]
    public void Tool_has_a_package_for_each_platform()
    {
        string settings = Path.Combine(Unpack(Tool()), "tools", "any", "any", "DotnetToolSettings.xml");
        IEnumerable<XElement> packages = XDocument.Load(settings).Descendants("RuntimeIdentifierPackage");
        Assert.That(
            packages.Select(static package => package.Attribute("RuntimeIdentifier")!.Value), Is.EquivalentTo(OfGlibc.Concat(OfMusl)));
        Assert.That(OfGlibc.Concat(OfMusl), Is.EquivalentTo(PackedFiles.Platforms));
    }

    [TestCaseSource(nameof(OfGlibc))]
    public void Tool_for_glibc_is_one_program_without_libraries_symbols_or_documentation(string platform)
    {
        Assert.That(FilesIn(Unpack(Tool(platform))), Is.EquivalentTo((string[])
        [
            .. s_ofAnyPackage, $"PosixShm.Tool.{platform}.nuspec",
            $"tools/any/{platform}/DotnetToolSettings.xml", $"tools/any/{platform}/pshm",
        ]));
    }

    [TestCaseSource(nameof(OfMusl))]
    public void Tool_for_musl_is_assemblies_and_the_shim_of_its_platform(string platform)
    {
        string directory = Unpack(Tool(platform));
        string tool = $"tools/net10.0/{platform}";
        Assert.That(FilesIn(directory), Is.EquivalentTo((string[])
        [
            .. s_ofAnyPackage, $"PosixShm.Tool.{platform}.nuspec", $"{tool}/DotnetToolSettings.xml", $"{tool}/libposixshm.so",
            .. s_assemblies.Select(file => $"{tool}/{file}"),
        ]));
        Assert.That(
            File.ReadAllBytes(Path.Combine(directory, tool, "libposixshm.so")), Is.EqualTo(File.ReadAllBytes(PackedFiles.Shim(platform))));
    }

    [Test]
    public void Notices_name_every_library_of_the_command()
    {
        string directory = Unpack(Tool("linux-musl-x64"));
        using JsonDocument dependencies = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(directory, "tools", "net10.0", "linux-musl-x64", "pshm.deps.json")));
        string[] libraries =
        [
            .. dependencies.RootElement.GetProperty("libraries").EnumerateObject()
                .Where(static library => library.Value.GetProperty("type").GetString() == "package")
                .Select(static library => library.Name.Split('/')[0]),
        ];
        Assert.That(libraries, Does.Contain("System.CommandLine"));
        Assert.That(File.ReadAllLines(Path.Combine(directory, "THIRD-PARTY-NOTICES.txt")), Is.SupersetOf(libraries.Append(".NET runtime")));
    }

    [Test]
    public void Packages_of_the_command_are_small()
    {
        FileInfo[] packages = [.. new DirectoryInfo(PackedFiles.Packages).GetFiles()
            .Where(static file => file.Name.StartsWith("pshm", StringComparison.Ordinal)
                || file.Name.StartsWith("PosixShm.Tool", StringComparison.Ordinal))];
        Assert.That(packages, Has.Length.EqualTo(9));
        Assert.That(packages.Where(static file => file.Length > MostBytes).Select(static file => $"{file.Name}: {file.Length}"), Is.Empty);
    }

    [TestCase("linux-x64", "Advanced Micro Devices X86-64", "ld-linux-x86-64.so.2")]
    [TestCase("linux-arm64", "AArch64", "ld-linux-aarch64.so.1")]
    public void Program_is_for_its_processor_and_for_glibc_2_28_with_the_shim_inside(string platform, string machine, string loader)
    {
        ElfFile program = new(Path.Combine(Unpack(Tool(platform)), "tools", "any", platform, "pshm"));
        Assert.That(program.Machine, Is.EqualTo(machine));
        Assert.That(program.Needed.Where(library => library != loader), Is.EquivalentTo(s_libraries));
        Assert.That(program.GlibcVersions, Is.Not.Empty.And.All.LessThanOrEqualTo(new Version(2, 28)));
        Assert.That(program.Imports, Has.Some.StartsWith("shm_open@").And.Some.StartsWith("getpwuid_r@"));
        Assert.That(program.Sections, Does.Contain(".text").And.No.Member(".symtab").And.None.StartsWith(".debug"));
    }

    [TestCaseSource(nameof(OfGlibc))]
    public void Deb_and_archive_have_the_program_of_the_tool_at_the_places_of_a_prefix(string platform)
    {
        string deb = Path.Combine(Unpack(Deb(platform)), "usr");
        string archive = Path.Combine(Unpack(Archive(platform)), ArchiveRoot(platform));
        Assert.That(FilesIn(archive), Is.EquivalentTo((string[])
        [
            .. s_installed, "share/man/man1/pshm.1", "share/zsh/site-functions/_pshm",
            "share/doc/pshm/CLI.md", "share/doc/pshm/LICENSE",
        ]));
        Assert.That(FilesIn(deb), Is.EquivalentTo((string[])
        [
            .. s_installed, "share/man/man1/pshm.1.gz", "share/zsh/vendor-completions/_pshm",
            "share/doc/pshm/changelog.gz", "share/doc/pshm/copyright",
        ]));

        byte[] program = File.ReadAllBytes(Path.Combine(Unpack(Tool(platform)), "tools", "any", platform, "pshm"));
        Assert.That(File.ReadAllBytes(Path.Combine(deb, "bin", "pshm")).SequenceEqual(program), Is.True);
        Assert.That(File.ReadAllBytes(Path.Combine(archive, "bin", "pshm")).SequenceEqual(program), Is.True);
    }

    [TestCaseSource(nameof(OfGlibc))]
    public void Deb_keeps_the_rules_of_Debian(string platform)
    {
        using ChildProcess lintian = ChildProcess.Start("lintian", "--allow-root", "--fail-on", "error,warning", Deb(platform));
        int exitCode = lintian.WaitForExit();
        Assert.That(lintian.Output + lintian.Errors, Is.Empty);
        Assert.That(exitCode, Is.Zero);
    }

    [TestCaseSource(nameof(OfGlibc))]
    public void Deb_names_its_version_its_C_library_and_the_sums_of_its_files(string platform)
    {
        Assert.That(Field("Version"), Is.EqualTo(PackedFiles.Version));
        Assert.That(Field("Depends"), Is.EqualTo("libc6 (>= 2.28)"));
        string sums = ChildProcess.Run("dpkg-deb", "--info", Deb(platform), "md5sums");
        string list = Path.Combine(Folder, "md5sums");
        File.WriteAllText(list, sums);
        string checks = ChildProcess.Run("env", "--chdir", Unpack(Deb(platform)), "md5sum", "--check", "--strict", list);
        Assert.That(checks.TrimEnd('\n').Split('\n'), Has.Length.EqualTo(8).And.All.EndsWith(": OK"));

        string Field(string name) => ChildProcess.Run("dpkg-deb", "--field", Deb(platform), name).Trim();
    }

    [TestCaseSource(nameof(OfGlibc))]
    public void Program_makes_lists_and_deletes_an_array(string platform)
    {
        string program = Path.Combine(Unpack(Deb(platform)), "usr", "bin", "pshm");
        Assert.That(Run("--version"), Is.EqualTo($"{PackedFiles.Version}\n"));
        _ = Run("create", Name, "2", "3", "--fill", "7");
        Assert.That(Run("list"), Does.Match($@"{Name} .*\(2,3\) .* {Environment.UserName} "));
        Assert.That(SharedArray.Describe(Name).Shape, Is.EqualTo(new long[] { 2, 3 }));
        _ = Run("delete", Name);
        Assert.That(ShmPath, Does.Not.Exist);

        string Run(params string[] args) => ChildProcess.Run([.. Processor(platform), program, .. args]);
    }

    [Test]
    public void Man_page_renders_without_warnings()
    {
        string platform = PackedFiles.HostPlatform;
        string page = Path.Combine(Unpack(Archive(platform)), ArchiveRoot(platform), "share", "man", "man1", "pshm.1");
        foreach (string[] command in (string[][])
        [
            ["groff", "-ww", "-man", "-Tutf8", page],
            ["man", "--warnings", "--encoding=UTF-8", "--local-file", page],
        ])
        {
            using ChildProcess renderer = ChildProcess.Start([("MANWIDTH", "80"), ("MANPAGER", "cat")], command);
            renderer.WaitForSuccess();
            Assert.That(renderer.Errors, Is.Empty, command[0]);
            Assert.That(renderer.Output, Does.Contain("semaphore").And.Contain("POSIXSHM_DIR"), command[0]);
        }

        Assert.That(ChildProcess.Run("lexgrog", page), Does.Contain("\"pshm - create, list, show and delete named arrays"));
    }

    // Nothing for this machine's processor, else an emulator with the C library of the other one.
    private static string[] Processor(string platform)
    {
        string machine = platform == "linux-arm64" ? "aarch64" : "x86_64";
        return platform == PackedFiles.HostPlatform
            ? []
            :
            [
                $"qemu-{machine}-static", "-L",
                PackedFiles.Existing(Path.Combine(Repository.Root, "artifacts", "loaders", machine), "shim-tests"),
            ];
    }
}
