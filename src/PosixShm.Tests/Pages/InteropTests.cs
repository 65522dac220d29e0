using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>Runs the recipes of docs/INTEROP.md, as the page has them, and finds their stores in the arrays.</summary>
internal sealed partial class InteropTests : NamedTest
{
    // Packages that ./build.sh test-more does not install: their recipes run where they are.
    private static readonly Dictionary<string, string> s_modules = new() { ["PyTorch"] = "torch", ["OpenCV"] = "cv2" };

    private string Second => NameOf("second");

    private static string Page => Regions.Page("docs", "INTEROP.md");

    private static IEnumerable<string> InstalledForTensors => Installed("PyTorch");

    private static IEnumerable<string> InstalledForImages => Installed("OpenCV");

    [Test]
    public void Offset_strides_and_order_are_those_of_the_page()
    {
        string name = Name;
        #region numbers
        using SharedArray<float> a = SharedArray.Create<float>(name, 4, 6);
        long offset = a.DataOffset;                   // 128: bytes before the elements
        ImmutableArray<long> strides = a.ByteStrides; // 24, 4: bytes between neighbours, as numpy's a.strides
        bool isFortran = a.IsFortranOrder;            // false: the last index runs fastest
        #endregion

        string code = Regions.Of("InteropTests.cs")["numbers"].Replace("(name,", "(\"test1\",", StringComparison.Ordinal);
        Assert.That(Page, Does.Contain($"```csharp\n{code}\n```"));
        Assert.That((offset, isFortran), Is.EqualTo((128L, false)));
        Assert.That(strides, Is.EqualTo(new long[] { 24, 4 }));
        SharedArrayInfo info = SharedArray.Describe(name);
        Assert.That((info.DataOffset, info.IsFortranOrder), Is.EqualTo((offset, false)));
        Assert.That(info.ByteStrides, Is.EqualTo(strides));
        using SharedArray<float> other = SharedArray.Create(
            Second, ArrayContent.Zeros<float>(4, 6), new SharedArrayOptions { Layout = ArrayLayout.PythonSharedArray });
        Assert.That((other.DataOffset, other.ByteStrides[0]), Is.EqualTo((0L, 24L)));
    }

    [TestCase("numpy")]
    [TestCase("pandas", Category = "More")]
    [TestCase("multiprocessing.shared_memory")]
    [TestCaseSource(nameof(InstalledForTensors), Category = "More")]
    public void Python_and_CSharp_see_the_stores_of_each_other(string program)
    {
        using SharedArray<float> array = CreateNumbers();
        RunPython(program);
        Assert.That(array[2, 3], Is.EqualTo(55));
        Assert.That(SharedArray.Exists(Name), Is.True, "Python has exited");
        switch (program)
        {
            case "pandas":
                using (SharedArray<Tick> ticks = SharedArray.Attach<Tick>(Second))
                {
                    Assert.That(ticks.ToArray(), Is.EqualTo(new Tick[] { new(1, 1.5), new(2, 2.5), new(3, 3.5) }));
                }

                break;
            case "numpy" or "PyTorch":
                using (SharedArray<float> second = SharedArray.Attach<float>(Second))
                {
                    Assert.That(second.Span.ToArray(), Is.EqualTo(array.ToArray()));
                    Assert.That(second[0], Is.EqualTo(program == "numpy" ? 0 : 56));
                }

                break;
        }
    }

    [TestCaseSource(nameof(InstalledForImages), Category = "More")]
    public void Images_are_drawn_and_converted_in_place(string program)
    {
        using SharedArray<byte> image = SharedArray.Create<byte>(Name, 48, 64, 3);
        using SharedArray<byte> gray = SharedArray.Create<byte>(Second, 48, 64);
        RunPython(program);
        Assert.That(
            (image[15, 15, 0], image[15, 15, 1], image[30, 30, 0], gray[15, 15], gray[30, 30]),
            Is.EqualTo(((byte)255, (byte)0, (byte)0, (byte)29, (byte)0)));
    }

    [Test]
    [Category("More")]
    public void Images_go_through_ffmpeg_in_both_directions()
    {
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, 5, 48, 64, 3);
        for (int i = 0; i < array.Length; i++)
        {
            array[i] = (byte)(i / 192);
        }

        // The control page exists and is not read as an image.
        using (array.Lock.EnterScope())
        {
        }

        string movie = Path.Combine(Folder, "movie.raw");
        string[] commands = [.. Blocks("ffmpeg", "sh").Select(code => code.Replace("movie.raw", movie, StringComparison.Ordinal))];
        Assert.That(commands, Has.Length.EqualTo(2));
        _ = ChildProcess.Run("bash", ["-euo", "pipefail", "-c", commands[0]]);
        byte[] before = array.ToArray();
        Assert.That(File.ReadAllBytes(Path.Combine(Folder, "movie.raw")), Is.EqualTo(before));

        _ = ChildProcess.Run("bash", ["-euo", "pipefail", "-c", commands[1]]);
        Assert.That(array.IsCurrent, Is.True);
        for (int line = 0; line < 48; line++)
        {
            Assert.That(array[4, line, 7, 1], Is.EqualTo(before[(((4 * 48) + 47 - line) * 192) + 22]), "the image is upside down");
        }
    }

    // By the documentation of memmapfile, the offset is in bytes, and the first index of the array runs fastest. numpy does the same.
    [Test]
    public void Arguments_for_memmapfile_give_the_elements_of_the_page()
    {
        using SharedArray<float> array = CreateNumbers();
        Match call = MatlabCall().Match(Blocks("MATLAB", "matlab").Single());
        Assert.That(call.Success, Is.True);
        string seen = Python.Run(
            """
            path, offset, kind, shape, row, column, value, i, j = sys.argv[1:]
            shape = tuple(map(int, shape.split()))
            x = np.memmap(path, {'single': np.float32}[kind], 'r+', int(offset), shape, order='F')
            print(x[int(row) - 1, int(column) - 1])
            x[int(row) - 1, int(column) - 1] = float(value)
            print(x.T[int(i), int(j)])
            """,
            [.. call.Groups.Values.Skip(1).Select(group => group.Value)]);
        Assert.That(array[2, 3], Is.EqualTo(55));
        Assert.That(seen, Is.EqualTo("15.0\n55.0"), "before and after the store");
    }

    // By the text of the protocol extension, the server opens the key, checks the region and finds the tensor in it. So does Python here.
    [Test]
    public void Requests_to_Triton_give_the_elements_of_the_page()
    {
        using SharedArray<float> array = CreateNumbers();
        string[] requests = Blocks("Triton's system shared memory", "").Single().Split("\n\n");
        string region = requests[0][requests[0].IndexOf('{', StringComparison.Ordinal)..]
            .Replace("\"/test1\"", $"\"/{Name}\"", StringComparison.Ordinal);
        string seen = Python.Run(
            """
            import mmap, os
            region, request = json.loads(sys.argv[1]), json.loads(sys.argv[2])
            file = os.open('/dev/shm' + region['key'], os.O_RDWR)
            assert region['offset'] + region['byte_size'] <= os.fstat(file).st_size
            memory = mmap.mmap(file, region['offset'] + region['byte_size'])
            tensor = request['inputs'][0]
            parameters = tensor['parameters']
            start, size = parameters['shared_memory_offset'], parameters['shared_memory_byte_size']
            assert start + size <= region['byte_size'] and size == 4 * np.prod(tensor['shape'])
            dtype = {'FP32': np.float32}[tensor['datatype']]
            values = np.frombuffer(memory, dtype, size // 4, region['offset'] + start).reshape(tensor['shape'])
            print(tensor['parameters']['shared_memory_region'], values.ravel().tolist() == list(range(24)))
            values[2, 3] = 55
            """,
            region, $"{{{requests[1]}}}");
        Assert.That(seen, Is.EqualTo($"{Name} True"));
        Assert.That(array[2, 3], Is.EqualTo(55));
    }

    [Test]
    public void Numpy_has_the_traps_of_the_page()
    {
        CreateNumbers().Dispose();
        string seen = Python.Run(
            """
            import os, pickle
            path, second = sys.argv[1:]
            a = np.load(path, mmap_mode='r+')
            np.save(second, a)
            print(os.path.exists(second), os.path.exists(second + '.npy'))
            copy = pickle.loads(pickle.dumps(a))
            copy[0, 0] = 77
            print(a[0, 0])
            long = np.zeros(1, [(f'field{i}', '<i4') for i in range(1000)])
            np.save(open(second, 'wb'), long)
            try:
                np.load(second)
            except ValueError:
                print(np.load(second, max_header_size=1 << 20).shape)
            """,
            ShmPath, ShmPathOf(Second));
        Assert.That(seen, Is.EqualTo("False True\n0.0\n(1,)"));
    }

    [Test]
    public void A_sparse_array_in_a_full_file_system_ends_Python_by_SIGBUS()
    {
        const string Run = """
            import signal, subprocess, sys
            store = "import numpy as np; a = np.lib.format.open_memmap('/mnt/a', 'w+', np.uint8, (2 << 20,)); a[:] = 1"
            print(signal.Signals(-subprocess.run([sys.executable, '-c', store]).returncode).name)
            """;
        string[] command = Namespaces.WithFileSystem("/mnt", "size=1m", [Python.Interpreter, "-c", Run]);
        Assert.That(ChildProcess.Run(command).TrimEnd(), Is.EqualTo("SIGBUS"));
    }

    [TestCaseSource(nameof(InstalledForTensors), Category = "More")]
    public void A_tensor_whose_memory_is_shared_by_PyTorch_is_a_copy(string program)
    {
        Assert.That(program, Is.EqualTo("PyTorch"));
        using SharedArray<float> array = CreateNumbers();
        _ = Python.Run("import torch; t = torch.from_numpy(np.load(sys.argv[1], mmap_mode='r+')).share_memory_(); t[0, 0] = 9", ShmPath);
        Assert.That(array[0, 0], Is.Zero);
    }

    private SharedArray<float> CreateNumbers()
    {
        SharedArray<float> array = SharedArray.Create<float>(Name, 4, 6);
        array.CopyFrom([.. Enumerable.Range(0, 24).Select(i => (float)i)]);
        return array;
    }

    private void RunPython(string section)
    {
        string[] blocks = [.. Blocks(section, "python")];
        Assert.That(blocks, Has.Length.EqualTo(1));
        _ = Python.Run("import os\n" + blocks[0]);
    }

    // The code of a section of the page, with this test's names in place of the page's.
    private IEnumerable<string> Blocks(string section, string language)
        => Block().Matches(Page.Split($"\n## {section}\n")[1].Split("\n## ")[0])
            .Where(match => match.Groups[1].Value == language)
            .Select(match => match.Groups[2].Value
                .Replace("/dev/shm/test2", ShmPathOf(Second), StringComparison.Ordinal)
                .Replace("/dev/shm/test1", ShmPath, StringComparison.Ordinal)
                .Replace("\"test1\"", $"\"{Name}\"", StringComparison.Ordinal));

    private static IEnumerable<string> Installed(string program)
    {
        string find = $"import importlib.util, sys; sys.exit(importlib.util.find_spec('{s_modules[program]}') is None)";
        using Process process = Process.Start(Python.Interpreter, ["-c", find]);
        process.WaitForExit();
        return process.ExitCode == 0 ? [program] : [];
    }

    private record struct Tick(long Time, double Price);

    [GeneratedRegex(
        @"memmapfile\('(.*?)', 'Offset', (\d+), 'Format', \{'(\w+)', \[([\d ]+)\], 'x'\}, 'Repeat', 1, 'Writable', true\);\n"
        + @"m\.Data\.x\((\d+), (\d+)\) = (\d+);\s+% a\[(\d), (\d)\]")]
    private static partial Regex MatlabCall();

    [GeneratedRegex("```(\\w*)\n(.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
