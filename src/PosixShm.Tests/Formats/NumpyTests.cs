using System.Numerics;
using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>numpy as an independent reader and writer, which opens the segment as a file.</summary>
internal sealed class NumpyTests : NamedTest
{
    private static readonly object[] s_samples =
    [
        new object[] { "|b1", new[] { true, false, true, true, false, true } },
        new object[] { "|i1", new sbyte[] { -128, -1, 0, 1, 2, 127 } },
        new object[] { "<i2", new short[] { short.MinValue, -1, 0, 1, 258, short.MaxValue } },
        new object[] { "<i4", new[] { int.MinValue, -1, 0, 1, 66051, int.MaxValue } },
        new object[] { "<i8", new[] { long.MinValue, -1, 0, 1, 0x0102030405060708, long.MaxValue } },
        new object[] { "|u1", new byte[] { 0, 1, 2, 127, 128, 255 } },
        new object[] { "<u2", new ushort[] { 0, 1, 258, 32768, 65534, ushort.MaxValue } },
        new object[] { "<u4", new uint[] { 0, 1, 66051, 1u << 31, 7, uint.MaxValue } },
        new object[] { "<u8", new ulong[] { 0, 1, 0x0102030405060708, 1ul << 63, 7, ulong.MaxValue } },
        new object[] { "<f2", new[] { (Half)0, (Half)1.5, Half.NaN, Half.PositiveInfinity, Half.Epsilon, Half.MinValue } },
        new object[] { "<f4", new[] { 0f, -1.5f, float.NaN, float.NegativeInfinity, float.Epsilon, float.MaxValue } },
        new object[] { "<f8", new[] { 0d, -1.5, double.NaN, double.NegativeInfinity, double.Epsilon, double.MaxValue } },
        new object[] { "<c8", new Complex64[] { new(1, 2), new(-1, 0), new(0, float.NaN), new(0.5f, float.Epsilon), default, new(3, -3) } },
        new object[] { "<c16", new Complex[] { new(1, 2), new(-1, 0), new(0, double.NaN), new(0.5, double.Epsilon), default, new(3, -3) } },
    ];

    [TestCaseSource(nameof(s_samples))]
    public void Numpy_reads_and_writes_every_element_type<T>(string dtype, T[] values)
        where T : unmanaged
    {
        using SharedArray<T> array = SharedArray.Create<T>(Name, 2, 3);
        array.CopyFrom(values);

        // numpy prints the bytes as hexadecimal, which is exact for every dtype, and reverses the elements in place.
        string seen = Python.Run(
            "a = np.load(sys.argv[1], mmap_mode='r+'); print(a.dtype.str, a.shape, a.tobytes().hex()); "
                + "a.flat[:] = a.ravel()[::-1].copy(); a.flush()",
            ShmPath);

        Assert.That(seen, Is.EqualTo($"{dtype} (2, 3) {Hex(values)}"));
        Assert.That(Hex(array.ToArray()), Is.EqualTo(Hex(values.Reverse().ToArray())));
        Assert.That(SharedArray.Describe(Name).DType, Is.EqualTo(dtype));
    }

    [TestCaseSource(nameof(s_samples))]
    public void Arrays_that_numpy_saved_are_attached<T>(string dtype, T[] values)
        where T : unmanaged
    {
        _ = Python.Run(
            "np.save(open(sys.argv[1], 'xb'), np.frombuffer(bytes.fromhex(sys.argv[3]), dtype=sys.argv[2]).reshape(3, 2))",
            ShmPath,
            dtype,
            Hex(values));

        using SharedArray<T> array = SharedArray.Attach<T>(Name);
        Assert.That(array.Shape, Is.EqualTo(new long[] { 3, 2 }));
        Assert.That(Hex(array.ToArray()), Is.EqualTo(Hex(values)));
        Assert.That(SharedArray.Describe(Name).ElementType, Is.EqualTo(typeof(T)));
    }

    [TestCase("()")]
    [TestCase("(0,)", 0)]
    [TestCase("(5,)", 5)]
    [TestCase("(2, 3)", 2, 3)]
    [TestCase("(3, 4, 5)", 3, 4, 5)]
    [TestCase("(2, 0, 3)", 2, 0, 3)]
    [TestCase("(1000003,)", 1000003)]
    public void Numpy_sees_every_shape(string expected, params long[] shape)
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, shape);
        for (int i = 0; i < array.Length; i++)
        {
            array[i] = i;
        }

        string seen = Python.Run(
            "a = np.load(sys.argv[1]); print(a.shape, a.dtype.str, bool((a.ravel() == np.arange(a.size)).all()), a.flags.c_contiguous)",
            ShmPath);
        Assert.That(seen, Is.EqualTo($"{expected} <i4 True True"));

        // memmap maps the memory of the segment. Before numpy 1.26, it refuses an array without elements.
        if (array.Length > 0)
        {
            _ = Python.Run("a = np.load(sys.argv[1], mmap_mode='r+'); a[...] = a + 1", ShmPath);
            Assert.That(array, Is.EqualTo(Enumerable.Range(1, (int)array.Length)));
        }
    }

    [Test]
    public void Numpy_sees_32_dimensions()
    {
        long[] shape = [.. Enumerable.Range(0, 32).Select(i => i % 8 == 0 ? 2L : 1L)];
        using SharedArray<int> array = SharedArray.Create<int>(Name, shape);
        array.CopyFrom([.. Enumerable.Range(0, 16)]);

        string seen = Python.Run(
            "a = np.load(sys.argv[1], mmap_mode='r'); "
                + "print(list(a.shape) == json.loads(sys.argv[2]), a.ravel().tolist() == list(range(16)))",
            ShmPath,
            $"[{string.Join(',', shape)}]");
        Assert.That(seen, Is.EqualTo("True True"));
    }

    [Test]
    public void A_running_Python_and_this_process_see_each_others_writes_at_once_and_after_the_delete()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        using ChildProcess python = Python.Start(
            "a = np.load(sys.argv[1], mmap_mode='r+'); print('READY')\nfor line in sys.stdin: a[1] = a[0] + 1; print('DONE')", ShmPath);
        python.Expect("READY");

        for (int round = 0; round < 3; round++)
        {
            array[0] = round;
            python.Send("GO");
            python.Expect("DONE");
            Assert.That(array[1], Is.EqualTo(round + 1));
            _ = SharedArray.TryDelete(Name);
        }

        python.WaitForSuccess();
    }

    [Test]
    public void A_copy_of_the_file_is_a_saved_array()
    {
        using (SharedArray<float> array = SharedArray.Create<float>(Name, 3))
        {
            array.CopyFrom([1, 2, 3]);
        }

        string file = Path.Combine(Folder, "saved.npy");
        File.Copy(ShmPath, file);
        Assert.That(Python.Run("print(np.load(sys.argv[1]).tolist())", file), Is.EqualTo("[1.0, 2.0, 3.0]"));
    }

    [TestCase("np.arange(6).reshape(2,3).astype('>f8')", ">f8", "<f8", TestName = "Big_endian_is_refused_with_the_way_to_convert")]
    [TestCase("np.zeros(3, dtype='S5')", "|S5", "<f8", TestName = "Bytes_are_refused_by_name")]
    [TestCase("np.zeros(3, dtype=[('x','<f4'),('y','<i4',(2,))])", "[('x', '<f4'), ('y', '<i4', (2,))]", "<f8",
        TestName = "Structures_are_refused_by_name")]
    [TestCase("np.array([{}, []], dtype=object)", "Python objects", "pointers", TestName = "Objects_are_refused_with_the_reason")]
    public void Unusable(string expression, string firstPart, string secondPart)
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'xb'), eval(sys.argv[2]))", ShmPath, expression);
        Assert.That(
            () => SharedArray.Attach(Name),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains(firstPart).And.Message.Contains(secondPart)
                .And.Message.Contains(Name));
    }

    private static string Hex<T>(T[] values)
        where T : unmanaged
        => Convert.ToHexStringLower(MemoryMarshal.AsBytes(values.AsSpan()));
}
