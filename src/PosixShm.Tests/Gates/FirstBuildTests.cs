using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>A fresh clone: its first build, ordinary scripts in its directory, and the errors that name what a machine lacks.</summary>
internal sealed class FirstBuildTests : NamedTest
{
    private const string Script =
        """
        #:project src/PosixShm/PosixShm.csproj
        using PosixShm;
        var name = args[0];
        using var array = SharedArray.CreateOrAttach<double>(name, 4);
        try { array[0] = 1; } catch (Exception) { }
        Console.WriteLine("hello");
        """;

    private static string BuildScript => Path.Combine(Repository.Root, "native", "build.sh");

    [Test]
    public void Builds_of_the_shim_at_once_all_succeed_and_leave_only_the_shim()
    {
        for (int round = 0; round < 3; round++)
        {
            ChildProcess[] builds = [.. Enumerable.Range(0, 4).Select(_ => ChildProcess.Start(BuildScript, Folder))];
            Array.ForEach(builds, build => build.WaitForSuccess());
            Array.ForEach(builds, build => build.Dispose());
        }

        IEnumerable<string> files = Directory.EnumerateFileSystemEntries(Folder, "*", SearchOption.AllDirectories);
        Assert.That(
            files.Select(file => Path.GetRelativePath(Folder, file)),
            Is.EquivalentTo(new[] { "libposixshm.so", "failpoints", "failpoints/libposixshm.so", "faults", "faults/libposixshm.so" }));
    }

    [TestCase("no-such-compiler", "'no-such-compiler' is missing: install the package gcc")]
    [TestCase("false", "install the C library's headers, the package libc6-dev")]
    public void Missing_compiler_is_an_error_that_names_the_package(string compiler, string message)
    {
        using ChildProcess build = ChildProcess.Start([("CC", compiler)], [BuildScript, Folder]);
        Assert.That(build.WaitForExit(), Is.EqualTo(1));
        Assert.That(build.Errors, Does.StartWith("native/build.sh: error: ").And.Contain(message));
        Assert.That(Directory.EnumerateFileSystemEntries(Folder), Is.Empty);
    }

    [Test]
    [Category("More")]
    public void First_runs_of_two_ordinary_scripts_at_once_both_succeed()
    {
        string clone = CopyClone();
        string[] scripts = [Path.Combine(clone, "first.cs"), Path.Combine(clone, "second.cs")];
        Array.ForEach(scripts, script => File.WriteAllText(script, Script));
        ChildProcess[] runs = [.. scripts.Select(script => Dotnet("run", script, "--", NameOf(Path.GetFileName(script))))];
        foreach (ChildProcess run in runs)
        {
            run.WaitForSuccess();

            // Before it, the build can warn that it copies a file again because the other build has it open.
            Assert.That(run.Output, Does.EndWith("hello\n"));
            run.Dispose();
        }
    }

    [Test]
    [Category("More")]
    public void Publishing_for_another_kind_of_machine_is_an_error()
    {
        string other = RuntimeInformation.OSArchitecture == Architecture.X64 ? "linux-arm64" : "linux-x64";
        string program = Path.Combine(CopyClone(), "program");
        _ = Directory.CreateDirectory(program);
        File.WriteAllText(Path.Combine(program, "program.cs"), "System.Console.WriteLine(PosixShm.SharedArray.Exists(\"x\"));");
        File.WriteAllText(Path.Combine(program, "program.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
              </PropertyGroup>
              <ItemGroup>
                <ProjectReference Include="../src/PosixShm/PosixShm.csproj" />
              </ItemGroup>
            </Project>
            """);

        using (ChildProcess publish = Dotnet("publish", program, "--runtime", other, "--no-self-contained"))
        {
            Assert.That(publish.WaitForExit(), Is.EqualTo(1));
            Assert.That(publish.Output, Does.Contain($"cannot run on {other}"));
        }

        string output = Path.Combine(program, "out");
        using ChildProcess own = Dotnet("publish", program, "--use-current-runtime", "--no-self-contained", "--output", output);
        own.WaitForSuccess();
        Assert.That(ChildProcess.Run(Path.Combine(output, "program")), Is.EqualTo("False\n"));
    }

    private static ChildProcess Dotnet(params string[] args)
        => ChildProcess.Start([("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false")], ["dotnet", .. args]);

    // The state before the first build.
    private string CopyClone()
    {
        IEnumerable<string> parts = new[] { "src", "native", "global.json" }.Select(name => Path.Combine(Repository.Root, name));
        _ = ChildProcess.Run(["cp", "-r", .. parts, Folder]);
        return Folder;
    }
}
