using System.Globalization;

namespace PosixShm.Tests;

/// <summary>Other projects' readers of .npy files: each is used by a program in the directory Readers, which prints the arrays.</summary>
[Category("More")]
internal sealed class ForeignReaderTests : NamedTest
{
    private const int Page = 4096;

    private static readonly string s_output = Path.Combine(Repository.Root, "artifacts", "readers");
    private static readonly Lazy<string> s_packages = new(InstallPackages);
    private static readonly Lazy<string> s_numSharp = new(PublishNumSharp);
    private static readonly Lazy<string> s_xtensor = new(CompileXtensor);

    private static readonly Sample[] s_samples =
    [
        new("f8", new[] { 0.1, -1.5, double.MaxValue, double.Epsilon, 0 }),
        new("f4", new[,] { { 0.1f, -1.5f, float.MaxValue }, { float.Epsilon, 0, 3 } }),
        new("i8", new[,] { { -1L << 53, -1, 0 }, { 1, 1L << 32, 1L << 53 } }),
        new("i4", new[,] { { int.MinValue, -1 }, { 0, 1 }, { 66051, int.MaxValue } }),
        new("u1", new byte[,] { { 0, 1, 127 }, { 128, 254, 255 } }),
        new("b1", new[] { true, false, true, true, false }),
        new("f8", Large(static i => i / 3.0)),
        new("f4", Large(static i => i / 3f)),
        new("i4", Large(static i => i * -1_000_003)),
        new("u1", Large(static i => (byte)i)),
        new("b1", Large(static i => i % 3 == 0)),

        // A header of more than 128 bytes.
        new("f8", Array.CreateInstance(typeof(double), [.. Enumerable.Repeat(1, 23), 2, 3])),
    ];

    private static readonly Reader[] s_readers =
    [
        new("numpy.load", static () => NumPy("load")),
        new("numpy.load, mapped", static () => NumPy("load-mapped")),
        new("numpy.fromfile", static () => NumPy("fromfile")) { GoesByFileSize = true, ShapeOf = static (_, read) => [read] },
        new("numpy.memmap", static () => NumPy("memmap")) { GoesByFileSize = true, ShapeOf = static (_, read) => [read] },
        new("NumSharp", static () => [s_numSharp.Value, "load"]),
        new("NumSharp, mapped", static () => [s_numSharp.Value, "load-mapped"]),

        // xtensor 0.24 refuses header lengths above 127 bytes, also in numpy's files.
        new("xtensor", static () => [s_xtensor.Value]) { Refuses = static sample => sample.Shape.Length > 20 },
        new("npyjs", static () => Node("npyjs_reader.cjs")) { GoesByFileSize = true },

        // numpy-parser gives all files of one dimension, also numpy's, a second one of length 1. It reads none of these dtypes.
        new("numpy-parser", static () => Node("numpy_parser_reader.cjs"))
        {
            GoesByFileSize = true,
            ShapeOf = static (shape, _) => shape is [long length] ? [length, 1] : shape,
            Refuses = static sample => sample.DType is "b1" or "i8",
        },
    ];

    private static IEnumerable<Reader> ByShape => s_readers.Where(static reader => !reader.GoesByFileSize);

    private static IEnumerable<Reader> ByFileSize => s_readers.Where(static reader => reader.GoesByFileSize);

    [TestCaseSource(nameof(s_readers))]
    public void Default_segments_are_read(Reader reader) => Compare(reader, useLock: false);

    [TestCaseSource(nameof(ByShape))]
    public void Control_page_is_ignored_by_readers_that_count_by_the_shape(Reader reader) => Compare(reader, useLock: true);

    // The test fails when such a reader begins to count by the shape. Then docs/FORMAT.md, "What other readers do", changes, too.
    [TestCaseSource(nameof(ByFileSize))]
    public void Control_page_is_read_as_elements_by_readers_that_count_by_the_file_size(Reader reader) => Compare(reader, useLock: true);

    private void Compare(Reader reader, bool useLock)
    {
        string[] paths = [.. s_samples.Select((sample, i) => Create(NameOf($"{i}"), sample, useLock))];
        string[] lines = ChildProcess.Run([.. reader.Command(), .. paths]).TrimEnd('\n').Split('\n');
        Assert.That(lines, Has.Length.EqualTo(paths.Length));

        using (Assert.EnterMultipleScope())
        {
            for (int i = 0; i < lines.Length; i++)
            {
                Check(reader, s_samples[i], BytesOfElements(paths[i], s_samples[i], useLock), lines[i]);
            }
        }
    }

    private static string Create(string name, Sample sample, bool useLock)
    {
        using UntypedSharedArray array = SharedArray.Create(name, ArrayContent.Zeros(sample.DType, sample.Shape));
        long index = 0;
        foreach (object value in sample.Values)
        {
            array.SetValue(value, index++);
        }

        if (useLock)
        {
            array.Lock.Enter();
            array.Lock.Exit();
        }

        return ShmPathOf(name);
    }

    // All bytes behind the header: the elements, and the control page if and only if the lock was used.
    private static int BytesOfElements(string path, Sample sample, bool hasPage)
    {
        byte[] file = File.ReadAllBytes(path);
        int header = 10 + BitConverter.ToUInt16(file, 8);
        int end = header + (sample.Values.Length * sample.ElementSize);
        Assert.That(file, Has.Length.EqualTo(hasPage ? ((end + Page - 1) / Page * Page) + Page : end));
        return file.Length - header;
    }

    private static void Check(Reader reader, Sample sample, int bytes, string line)
    {
        if (reader.Refuses(sample))
        {
            Assert.That(line, Does.StartWith("error "));
            return;
        }

        string[] parts = line.Split(' ');
        Assert.That(parts, Has.Length.EqualTo(3), line);
        Assert.That(parts[0], Is.EqualTo(sample.DType), line);

        int length = sample.Values.Length;
        int read = reader.GoesByFileSize ? bytes / sample.ElementSize : length;
        double[] values = [.. parts[2].Split(',').Select(static text => double.Parse(text, CultureInfo.InvariantCulture))];
        Assert.That(parts[1], Is.EqualTo(string.Join(',', reader.ShapeOf(sample.Shape, read))), line);
        Assert.That(values, Has.Length.EqualTo(read), line);
        Assert.That(values[..length], Is.EqualTo(sample.Values.Cast<object>().Select(Convert.ToDouble).ToArray()), line);
    }

    private static string[] NumPy(string function) => [Python.Interpreter, Source("numpy_reader.py"), function];

    private static string[] Node(string program) => ["env", "NODE_PATH=" + s_packages.Value, "node", Source(program)];

    private static string InstallPackages()
    {
        Require("npm", "nodejs npm");
        string directory = Directory.CreateDirectory(Path.Combine(s_output, "npm")).FullName;
        foreach (string file in (string[])["package.json", "package-lock.json"])
        {
            File.Copy(Source(file), Path.Combine(directory, file), overwrite: true);
        }

        _ = ChildProcess.Run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--prefix", directory);
        return Path.Combine(directory, "node_modules");
    }

    // A compiler or build node that stayed behind would hold the pipes open.
    private static string PublishNumSharp()
    {
        string directory = Path.Combine(s_output, "numsharp");
        _ = ChildProcess.Run(
            "env", "MSBUILDDISABLENODEREUSE=1", "UseSharedCompilation=false",
            "dotnet", "publish", Source("numsharp_reader.cs"), "--configuration", "Release", "--output", directory);
        return Path.Combine(directory, "numsharp_reader");
    }

    private static string CompileXtensor()
    {
        Require("c++", "g++");
        string program = Path.Combine(Directory.CreateDirectory(s_output).FullName, "xtensor_reader");
        _ = ChildProcess.Run("c++", "-std=c++17", "-o", program, Source("xtensor_reader.cpp"));
        return program;
    }

    private static void Require(string program, string packages)
    {
        string[] directories = Environment.GetEnvironmentVariable("PATH")!.Split(':');
        if (!Array.Exists(directories, directory => File.Exists(Path.Combine(directory, program))))
        {
            Assert.Fail($"The test needs {program}: apt-get install {packages}");
        }
    }

    private static string Source(string file) => Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Readers", file);

    // Larger than a page, whatever the element type.
    private static T[,] Large<T>(Func<int, T> element)
    {
        T[,] values = new T[103, 97];
        for (int i = 0; i < values.Length; i++)
        {
            values[i / 97, i % 97] = element(i);
        }

        return values;
    }

    /// <summary>An array to read: numpy's dtype without the byte order, and the elements.</summary>
    internal sealed record Sample(string DType, Array Values)
    {
        public int ElementSize => DType[1] - '0';

        public long[] Shape { get; } = [.. Enumerable.Range(0, Values.Rank).Select(Values.GetLongLength)];
    }

    /// <summary>A program that prints a line for each file: dtype, shape and elements, or "error" and the reason.</summary>
    internal sealed record Reader(string Name, Func<string[]> Command)
    {
        /// <summary>Gets whether all bytes behind the header are elements to this reader, whatever the header's shape is.</summary>
        public bool GoesByFileSize { get; init; }

        /// <summary>Gets the shape that the reader returns, by the array's shape and the number of elements read.</summary>
        public Func<long[], long, long[]> ShapeOf { get; init; } = static (shape, _) => shape;

        /// <summary>Gets whether the reader refuses the array, also in a file that numpy saved.</summary>
        public Func<Sample, bool> Refuses { get; init; } = static _ => false;

        public override string ToString() => Name;
    }
}
