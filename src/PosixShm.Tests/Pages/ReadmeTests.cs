using System.Numerics.Tensors;

namespace PosixShm.Tests;

/// <summary>Runs the examples of the README, and compares them with it.</summary>
[TestFixture]
[NonParallelizable]
internal sealed class ReadmeTests
{
    [Test]
    public void The_first_example_runs_as_it_is_typed()
    {
        string program = Regions.Page("README.md").Split("```csharp\n")[1].Split("\n```")[0];

        // The first line of a clone, as the README has it, since the packages are not made. InstallGuideTests runs the example with them.
        string[] lines = program.Split('\n', 2);
        Assert.That(lines[0], Does.StartWith("#:package PosixShm@"));
        string project = Regions.Page("README.md").Split("its first line is `#:project ")[1].Split('`')[0];

        // The path is always the same, because the SDK keeps a directory for each path.
        string folder = Path.Combine(Repository.Root, "artifacts", "readme");
        _ = Directory.CreateDirectory(folder);
        try
        {
            string script = Path.Combine(folder, "first.cs");
            File.WriteAllText(script, $"#:project ../../{project}\n{lines[1]}\n");
            Assert.That(SampleTests.RunScript(script), Is.EqualTo("101.25\nLEFT: \n"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Skips the build, which has made this test, and uses the Python that has numpy.
    [Test]
    public void The_comparison_with_a_file_of_numpy_runs_as_it_is_typed()
    {
        const string Shown = "posixshm-ten";
        string name = $"{Shown}-{Environment.ProcessId}";
        string folder = Directory.CreateTempSubdirectory("posixshm-readme-").FullName;
        string[] commands = Regions.Page("README.md").Split("```sh\n")[1].Split("\n```")[0].Split('\n');
        Assert.That(commands[0], Is.EqualTo("./build.sh build"));
        string script = string.Join('\n', commands[1..])
            .Replace("/tmp/", $"{folder}/", StringComparison.Ordinal)
            .Replace("artifacts/bin/pshm", Repository.Command, StringComparison.Ordinal)
            .Replace("python3", Python.Interpreter, StringComparison.Ordinal)
            .Replace(Shown, name, StringComparison.Ordinal);
        try
        {
            Assert.That(ChildProcess.Run("bash", "-euc", script), Does.EndWith("the same 208 bytes\n"));
            Assert.That(SharedArray.Exists(name), Is.False);
        }
        finally
        {
            _ = SharedArray.TryDelete(name);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void The_example_of_arithmetic_runs()
    {
        string name = $"posixshm-prices-{Environment.ProcessId}";
        try
        {
            #region Numpy
            using SharedArray<double> a = SharedArray.Create(name, ArrayContent.From(new double[,] { { 1, 2, 3 }, { 4, 5, 6 } }));

            TensorPrimitives.Multiply(a.Span, -1, a.Span);                                // a *= -1
            double sum = TensorPrimitives.Sum<double>(a.Span);                            // a.sum()
            Span<double> row = a.Row(1);                                                  // a[1]
            TensorSpan<double> column = a.AsTensorSpan(.., 1..2);                         // a[:, 1:2]
            column.Fill(0);                                                               // a[:, 1:2] = 0
            Console.WriteLine(a);                                                         // print(a)
            #endregion

            Assert.That(sum, Is.EqualTo(-21));
            Assert.That(row.ToArray(), Is.EqualTo(new double[] { -4, 0, -6 }));
            Assert.That(a.Row(0).ToArray(), Is.EqualTo(new double[] { -1, 0, -3 }));
        }
        finally
        {
            _ = SharedArray.TryDelete(name);
        }
    }

    [Test]
    public void The_readme_shows_the_code_that_runs()
    {
        string readme = Regions.Page("README.md");
        foreach (string example in Regions.Of("ReadmeTests.cs").Values)
        {
            Assert.That(readme, Does.Contain($"```csharp\n{example}\n```"));
        }
    }
}
