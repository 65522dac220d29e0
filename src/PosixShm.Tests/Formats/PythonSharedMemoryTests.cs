namespace PosixShm.Tests;

/// <summary>Python's multiprocessing.shared_memory, which has bytes and no arrays, and deletes segments that it only read.</summary>
internal sealed class PythonSharedMemoryTests : NamedTest
{
    // Python's resource tracker inherits standard error, and Run returns only once it has closed it. The deletion has then happened, or
    // never will.
    private const string Import = "from multiprocessing import shared_memory, resource_tracker\n";

    [TestCase(ArrayLayout.Npy, 128)]
    [TestCase(ArrayLayout.PythonSharedArray, 0)]
    public void Python_sees_the_bytes_of_an_array_at_the_documented_offset(ArrayLayout layout, int offset)
    {
        using SharedArray<byte> array = SharedArray.Create(Name, ArrayContent.Zeros<byte>(100), new SharedArrayOptions { Layout = layout });
        array[0] = 1;
        array[99] = 2;
        string seen = Python.Run(
            Import + """
            s = shared_memory.SharedMemory(sys.argv[1])
            resource_tracker.unregister(s._name, 'shared_memory')
            start = int(sys.argv[2])
            print(s.buf[start], s.buf[start + 99])
            s.buf[start + 1] = 3
            s.close()
            """,
            Name, $"{offset}");
        Assert.That(seen, Is.EqualTo("1 2"));
        Assert.That(array[1], Is.EqualTo(3));
    }

    [Test]
    public void Python_deletes_an_array_that_it_only_read_when_it_exits()
    {
        SharedArray.Create<byte>(Name, 100).Dispose();
        _ = Python.Run(Import + "s = shared_memory.SharedMemory(sys.argv[1]); print(s.buf[128]); s.close()", Name);
        Assert.That(SharedArray.Exists(Name), Is.False, "if this fails, Python has changed, and docs/PYTHON.md must change");
    }

    [TestCase("s = shared_memory.SharedMemory(sys.argv[1]); resource_tracker.unregister(s._name, 'shared_memory')")]
    [TestCase("s = shared_memory.SharedMemory(sys.argv[1], track=False) if sys.version_info >= (3, 13) else None")]
    [TestCase("a = np.load('/dev/shm/' + sys.argv[1], mmap_mode='r+'); a[0] = 1")]
    [TestCase("a = np.memmap('/dev/shm/' + sys.argv[1], np.uint8, 'r+', 128, (100,)); a[0] = 1")]
    public void Readers_that_count_by_the_file_size_have_workarounds(string script)
    {
        SharedArray.Create<byte>(Name, 100).Dispose();
        _ = Python.Run(Import + script, Name);
        Assert.That(SharedArray.Exists(Name), Is.True);
    }

    [Test]
    public void Numpy_makes_an_array_under_another_name_and_renames_it()
    {
        _ = Python.Run(
            "import os; b = np.lib.format.open_memmap(sys.argv[1] + '.new', 'w+', dtype=np.float64, shape=(3, 4)); "
                + "b[...] = 1; os.rename(sys.argv[1] + '.new', sys.argv[1])",
            ShmPath);
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That(array, Is.EqualTo(Enumerable.Repeat(1.0, 12)));
    }

    [Test]
    public void Segment_of_Python_is_attached_with_the_type_and_shape_of_the_caller()
    {
        using ChildProcess python = Python.Start(
            Import + """
            s = shared_memory.SharedMemory(sys.argv[1], create=True, size=8192)
            a = np.ndarray((3, 4), np.int32, s.buf, 64)
            a[...] = np.arange(12).reshape(3, 4)
            print('READY')
            sys.stdin.readline()
            print(a[2, 3])
            del a
            s.close()
            s.unlink()
            """,
            Name);
        python.Expect("READY");
        using (SharedArray<int> array = SharedArray.AttachRaw<int>(Name, [3, 4], offset: 64))
        {
            Assert.That(array, Is.EqualTo(Enumerable.Range(0, 12)));
            Assert.That((array.Shape.ToArray(), array.IsCurrent, array.Name), Is.EqualTo((new long[] { 3, 4 }, true, Name)));
            array[2, 3] = 42;
        }

        python.Send("GO");
        python.Expect("42");
        python.WaitForSuccess();
    }

    [Test]
    public void Raw_bytes_are_attached_only_where_they_are_all_there()
    {
        File.WriteAllBytes(ShmPath, new byte[100]);
        File.WriteAllBytes(ShmPathOf(NameOf("empty")), []);
        _ = File.CreateSymbolicLink(ShmPathOf(NameOf("link")), ShmPath);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => SharedArray.AttachRaw<byte>(Name, [101]),
                Throws.InstanceOf<InvalidDataException>().With.Message.Contains("100 bytes").And.Message.Contains("(101,)"));
            Assert.That(() => SharedArray.AttachRaw<byte>(Name, [1], 100), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.AttachRaw<byte>(Name, [1], long.MaxValue), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.AttachRaw<byte>(Name, [0], 101), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.AttachRaw<byte>(NameOf("empty"), [0]), Throws.InstanceOf<InvalidDataException>());
            Assert.That(
                () => SharedArray.AttachRaw<byte>(NameOf("link"), [1]),
                Throws.InstanceOf<InvalidDataException>().With.Message.Contains("symbolic link"));
            Assert.That(() => SharedArray.AttachRaw<byte>(NameOf("none"), [1]), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(() => SharedArray.AttachRaw<byte>(Name, [-1]), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => SharedArray.AttachRaw<byte>(Name, [1], -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => SharedArray.AttachRaw<byte>(Name, new long[65]), Throws.ArgumentException);
            Assert.That(() => SharedArray.AttachRaw<long>(Name, [long.MaxValue]), Throws.ArgumentException);
            Assert.That(() => SharedArray.AttachRaw<byte>(Name, null!), Throws.ArgumentNullException);
            Assert.That(() => SharedArray.AttachRaw<byte>("a/b", [1]), Throws.ArgumentException);
        }

        using SharedArray<byte> all = SharedArray.AttachRaw<byte>(Name, [10, 10], options: new AttachOptions { AllowOtherOwners = true });
        using SharedArray<byte> last = SharedArray.AttachRaw<byte>(NameOf("link"), [1], 99, new AttachOptions { FollowLinks = true });
        all[9, 9] = 7;
        Assert.That(last[0], Is.EqualTo(7));
        using SharedArray<byte> none = SharedArray.AttachRaw<byte>(Name, [0], 100);
        Assert.That(none, Is.Empty);
    }
}
