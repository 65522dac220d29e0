namespace PosixShm.Tests;

/// <summary>A program that refers to the package and to nothing else of this repository, in each form of publishing.</summary>
[Category("More")]
internal sealed class PackageUseTests : NamedTest
{
    private const string Program =
        """
        using PosixShm;

        using SharedArray<int> array = SharedArray.Create<int>(args[0], 4);
        array[0] = 42;
        using SharedArray<int> same = SharedArray.Attach<int>(args[0]);
        SharedArray.Delete(args[0]);
        string shim = File.ReadLines("/proc/self/maps").First(line => line.EndsWith("/libposixshm.so", StringComparison.Ordinal));
        Console.WriteLine($"{same[0]} {shim[shim.IndexOf('/')..]}");
        """;

    private string Output => Path.Combine(Folder, "out");

    [SetUp]
    public void MakeProject()
    {
        File.WriteAllText(Path.Combine(Folder, "Program.cs"), Program);
        File.WriteAllText(Path.Combine(Folder, "app.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="PosixShm" Version="{PackedFiles.Version}" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(Folder, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="packed" value="{PackedFiles.Packages}" />
              </packageSources>
            </configuration>
            """);
    }

    [Test]
    public void Build_without_a_platform_has_the_shims_of_all_and_loads_its_own()
    {
        Dotnet("build", "--output", Output);
        Assert.That(
            Shims(), Is.EquivalentTo(PackedFiles.Platforms.Select(static platform => $"runtimes/{platform}/native/libposixshm.so")));
        string own = Path.Combine(Output, "runtimes", PackedFiles.HostPlatform, "native", "libposixshm.so");
        Assert.That(ChildProcess.Run("dotnet", Path.Combine(Output, "app.dll"), Name), Is.EqualTo($"42 {own}\n"));
    }

    [TestCaseSource(typeof(PackedFiles), nameof(PackedFiles.Platforms))]
    public void Publishing_for_a_platform_copies_its_shim_alone(string platform)
    {
        Dotnet("publish", "--runtime", platform, "--no-self-contained", "-p:UseAppHost=false", "--output", Output);
        Assert.That(Shims(), Is.EqualTo(new[] { "libposixshm.so" }));
        Assert.That(File.ReadAllBytes(Path.Combine(Output, "libposixshm.so")), Is.EqualTo(File.ReadAllBytes(PackedFiles.Shim(platform))));
    }

    [Test]
    public void Single_file_loads_the_shim_beside_it()
    {
        Dotnet("publish", "--use-current-runtime", "--no-self-contained", "-p:PublishSingleFile=true", "--output", Output);
        Assert.That(Run(), Is.EqualTo($"42 {Path.Combine(Output, "libposixshm.so")}\n"));
    }

    [Test]
    public void Single_file_with_the_shim_inside_extracts_and_loads_it()
    {
        Dotnet(
            "publish", "--use-current-runtime", "--no-self-contained", "-p:PublishSingleFile=true",
            "-p:IncludeNativeLibrariesForSelfExtract=true", "--output", Output);
        Assert.That(Shims(), Is.Empty);
        Assert.That(Run(), Does.StartWith($"42 {Folder}/extracted/").And.EndsWith("/libposixshm.so\n"));
    }

    [Test]
    public void Machine_code_loads_the_shim_beside_it()
    {
        Dotnet("publish", "--use-current-runtime", "-p:PublishAot=true", "--output", Output);
        Assert.That(Path.Combine(Output, "app.dll"), Does.Not.Exist);
        Assert.That(Run(), Is.EqualTo($"42 {Path.Combine(Output, "libposixshm.so")}\n"));
    }

    [Test]
    public void Assembly_loaded_from_memory_finds_the_shim_of_its_version_in_the_directory_of_packages()
    {
        string package = Path.Combine(Folder, "posixshm", PackedFiles.Version, "runtimes", PackedFiles.HostPlatform, "native");
        _ = Directory.CreateDirectory(package);
        File.Copy(PackedFiles.Shim(PackedFiles.HostPlatform), Path.Combine(package, "libposixshm.so"));
        string script = Path.Combine(Folder, "memory.fsx");
        File.WriteAllText(
            script,
            $$"""
            let library = System.Reflection.Assembly.Load(System.IO.File.ReadAllBytes "{{typeof(SharedArray).Assembly.Location}}")
            printfn "%O" (library.GetType("PosixShm.SharedArray").GetMethod("Exists").Invoke(null, [| "{{Name}}" |]))
            """);
        Assert.That(
            ChildProcess.Run("env", $"NUGET_PACKAGES={Folder}", "MSBUILDDISABLENODEREUSE=1", "dotnet", "fsi", script),
            Is.EqualTo("False\n"));
    }

    private string Run()
    {
        using ChildProcess program = ChildProcess.Start(
            [("DOTNET_BUNDLE_EXTRACT_BASE_DIR", Path.Combine(Folder, "extracted"))], [Path.Combine(Output, "app"), Name]);
        program.WaitForSuccess();
        return program.Output;
    }

    private IEnumerable<string> Shims() => Directory.GetFiles(Output, "*posixshm.so", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Output, path));

    // The package is restored anew, and others come from the user's directory of packages if they are there. No compiler or build node
    // stays behind that would hold the pipes open.
    private void Dotnet(string verb, params string[] args)
    {
        string packages = Path.Combine(Folder, "packages");
        string ofUser = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        using ChildProcess build = ChildProcess.Start(
            [
                ("NUGET_PACKAGES", packages),
                ("NUGET_FALLBACK_PACKAGES", ofUser),
                ("MSBUILDDISABLENODEREUSE", "1"),
                ("UseSharedCompilation", "false"),
            ],
            ["dotnet", verb, Path.Combine(Folder, "app.csproj"), "--configuration", "Release", .. args]);
        build.WaitForSuccess();
        Assert.That(Path.Combine(packages, "posixshm"), Does.Exist, $"{ofUser} has another package of this version: delete it");
    }
}
