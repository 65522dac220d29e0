namespace PosixShm.Tests;

/// <summary>The .NET tool, installed from the packages alone by a directory that has nothing but a nuget.config.</summary>
[Category("More")]
internal sealed class ToolTests : CommandPackageTest
{
    private string Bin => Path.Combine(Folder, "bin");

    [SetUp]
    public void WriteConfiguration() => File.WriteAllText(
        Path.Combine(Folder, "nuget.config"),
        $"""
        <configuration>
          <packageSources>
            <clear />
            <add key="packed" value="{PackedFiles.Packages}" />
          </packageSources>
        </configuration>
        """);

    [Test]
    public void Installed_tool_makes_lists_and_deletes_an_array()
    {
        using ChildProcess install = Dotnet([], "tool", "install", "PosixShm.Tool", "--tool-path", Bin);
        install.WaitForSuccess();

        string program = Path.Combine(Bin, "pshm");
        Assert.That(ChildProcess.Run(program, "--version"), Is.EqualTo($"{PackedFiles.Version}\n"));
        _ = ChildProcess.Run(program, "create", Name, "3");
        Assert.That(ChildProcess.Run(program, "list"), Does.Contain($"\n{Name} "));
        _ = ChildProcess.Run(program, "delete", Name);
        Assert.That(ShmPath, Does.Not.Exist);
    }

    [Test]
    public void Tool_runs_without_installation()
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        using ChildProcess run = Dotnet([], "tool", "exec", "--yes", "PosixShm.Tool", "--", "list");
        run.WaitForSuccess();
        Assert.That(run.Output, Does.Contain($"\n{Name} "));
    }

    // The SDK takes the platform from this variable. Without packages for musl, it would install those for glibc.
    [TestCaseSource(typeof(PackedFiles), nameof(PackedFiles.Platforms))]
    public void Platform_gets_its_own_package(string platform)
    {
        using ChildProcess install = Dotnet([("DOTNET_RUNTIME_ID", platform)], "tool", "install", "PosixShm.Tool", "--tool-path", Bin);
        install.WaitForSuccess();
        string store = Path.Combine(Bin, ".store", "posixshm.tool", PackedFiles.Version);
        Assert.That(
            Directory.GetDirectories(store).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "posixshm.tool", $"posixshm.tool.{platform}" }));
    }

    [Test]
    public void Platform_without_a_package_is_refused()
    {
        using ChildProcess install = Dotnet([("DOTNET_RUNTIME_ID", "osx-arm64")], "tool", "install", "PosixShm.Tool", "--tool-path", Bin);
        Assert.That(install.WaitForExit(), Is.EqualTo(1));
        Assert.That(install.Output + install.Errors, Does.Contain("osx-arm64").And.Contain("linux-musl-arm64"));
    }

    // In the directory of the configuration, with packages and settings of its own.
    private ChildProcess Dotnet(IEnumerable<(string Name, string Value)> environment, params string[] args) => ChildProcess.Start(
        [("NUGET_PACKAGES", Path.Combine(Folder, "packages")), ("DOTNET_CLI_HOME", Folder), ("DOTNET_NOLOGO", "1"), .. environment],
        ["env", "--chdir", Folder, "dotnet", .. args]);
}
