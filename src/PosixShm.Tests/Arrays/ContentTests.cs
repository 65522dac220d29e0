namespace PosixShm.Tests;

/// <summary>Arrays that have their content before any other process can see them.</summary>
internal sealed class ContentTests : NamedTest
{
    private string File1 => Path.Combine(Folder, "a.npy");

    [Test]
    public void Each_content_gives_its_shape_and_its_elements()
    {
        using SharedArray<int> source = SharedArray.Create(NameOf("source"), ArrayContent.From([1, 2, 3, 4, 5, 6], 3, 2));
        using ReadOnlySharedArray<int> view = SharedArray.AttachReadOnly<int>(source.Name);
        using (Assert.EnterMultipleScope())
        {
            Check(ArrayContent.Zeros<int>(2, 2), [2, 2], [0, 0, 0, 0]);
            Check(ArrayContent.Zeros<int>(0, 4), [0, 4], []);
            Check(ArrayContent.Filled(7, 1, 3), [1, 3], [7, 7, 7]);
            Check(ArrayContent.Filled(7), [], [7]);
            Check(ArrayContent.From([1, 2, 3]), [3], [1, 2, 3]);
            Check(ArrayContent.From<int>([]), [0], []);
            Check(ArrayContent.From(new int[] { 1, 2, 3, 4 }, 2, 2), [2, 2], [1, 2, 3, 4]);
            Check(ArrayContent.From(new int[,] { { 1, 2, 3 }, { 4, 5, 6 } }), [2, 3], [1, 2, 3, 4, 5, 6]);
            Check(ArrayContent.From(new int[,,] { { { 1 }, { 2 } } }), [1, 2, 1], [1, 2]);
            Check(ArrayContent.CopyOf(source), [3, 2], [1, 2, 3, 4, 5, 6]);
            Check(ArrayContent.CopyOf(view), [3, 2], [1, 2, 3, 4, 5, 6]);
            Check(ArrayContent.Build<int>([2, 2], array => array[1, 0] = 9), [2, 2], [0, 0, 9, 0]);
        }

        void Check(ArrayContent<int> content, long[] shape, int[] elements)
        {
            using SharedArray<int> array = SharedArray.Create(Name, content);
            Assert.That(array.Shape, Is.EqualTo(shape));
            Assert.That(array.ToArray(), Is.EqualTo(elements));
            SharedArray.Delete(Name);
        }
    }

    [TestCase(ArrayLayout.Npy)]
    [TestCase(ArrayLayout.PythonSharedArray)]
    public void Options_apply_to_an_array_with_content(ArrayLayout layout)
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        SharedArrayOptions options = new() { Layout = layout, Mode = Mode, Locks = 40 };
        using SharedArray<short> array = SharedArray.Create(Name, ArrayContent.Filled((short)3, 5), options);
        Assert.That(File.GetUnixFileMode(ShmPath), Is.EqualTo(options.Mode));
        Assert.That(SharedArray.Describe(Name).Layout, Is.EqualTo(layout));
        Assert.That(array.ToArray(), Is.All.EqualTo(3));
        array.Locks[39].Enter();
        array.Locks[39].Exit();
    }

    [Test]
    public void A_callback_writes_before_the_name_exists_and_its_failure_creates_nothing()
    {
        SharedArray<int>? kept = null;
        Assert.That(
            () => SharedArray.Create(Name, ArrayContent.Build<int>([3], array =>
            {
                kept = array;
                array.Fill(1);
                Assert.That(SharedArray.Exists(Name), Is.False);
                throw new InvalidOperationException("no");
            })),
            Throws.InvalidOperationException.With.Message.EqualTo("no"));
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);
        Assert.That(() => kept!.Span[0], Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void A_wrong_content_is_refused_and_creates_nothing()
    {
        SharedArray<int> detached = SharedArray.Create<int>(NameOf("detached"), 3);
        detached.Dispose();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SharedArray.Create(Name, ArrayContent.From([1, 2, 3], 2, 2)), Throws.ArgumentException);
            Assert.That(() => SharedArray.Create(Name, ArrayContent.Filled(1, -2)), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => SharedArray.Create(Name, ArrayContent.CopyOf(detached)), Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(
                () => SharedArray.Create(Name, ArrayContent.Load<int>(Path.Combine(Folder, "none"))),
                Throws.InstanceOf<FileNotFoundException>());
            Assert.That(ShmPath, Does.Not.Exist);
        }
    }

    [Test]
    public void A_file_of_numpy_is_loaded()
    {
        _ = Python.Run("np.save(sys.argv[1], np.arange(6, dtype='<i8').reshape(2, 3))", File1);
        using SharedArray<long> array = SharedArray.Create(Name, ArrayContent.Load<long>(File1));
        Assert.That(array.Shape, Is.EqualTo(new long[] { 2, 3 }));
        Assert.That(array.ToArray(), Is.EqualTo(new long[] { 0, 1, 2, 3, 4, 5 }));
        Assert.That(File.ReadAllBytes(ShmPath), Is.EqualTo(File.ReadAllBytes(File1)));
    }

    [Test]
    public void Two_files_in_one_pipe_are_loaded_one_after_the_other()
    {
        string path = Path.Combine(Folder, "pipe");
        _ = ChildProcess.Run("mkfifo", path);
        using ChildProcess writer = Python.Start(
            """
            import io
            with open(sys.argv[1], "wb") as pipe:
                for array in (np.arange(3_000_000), np.ones((2, 2))):
                    file = io.BytesIO()
                    np.save(file, array)
                    pipe.write(file.getvalue())
            """,
            path);
        using FileStream pipe = File.OpenRead(path);
        using SharedArray<long> first = SharedArray.Create(Name, ArrayContent.Load<long>(pipe));
        using SharedArray<double> second = SharedArray.Create(NameOf("second"), ArrayContent.Load<double>(pipe));
        writer.WaitForSuccess();
        Assert.That((first.Length, first[2_999_999], second.Rank, second[1, 1]), Is.EqualTo((3_000_000, 2_999_999L, 2, 1.0)));
    }

    [TestCase("np.arange(3.0)", "holds <f8 elements, not <i8")]
    [TestCase("np.arange(3, dtype='>i8')", "holds >i8 elements, not <i8")]
    public void A_file_of_another_type_is_refused(string array, string reason)
    {
        _ = Python.Run($"np.save(sys.argv[1], {array})", File1);
        Refuse(reason);
    }

    [TestCase("np.asfortranarray(np.arange(6).reshape(1, 6, 1))")]
    [TestCase("np.arange(6)")]
    public void A_file_whose_order_is_both_is_loaded(string array)
    {
        // npy-matlab always writes True.
        _ = Python.Run(
            $"a = {array}; f = open(sys.argv[1], 'wb')\n"
            + "np.lib.format.write_array_header_1_0(f, dict(descr='<i8', fortran_order=True, shape=a.shape)); f.write(a.tobytes())",
            File1);
        using SharedArray<long> loaded = SharedArray.Create(Name, ArrayContent.Load<long>(File1));
        Assert.That(loaded.ToArray(), Is.EqualTo(new long[] { 0, 1, 2, 3, 4, 5 }));
    }

    [TestCase(0, "does not begin")]
    [TestCase(9, "ends inside its .npy header")]
    [TestCase(100, "ends inside its .npy header")]
    [TestCase(128, "ends after 0 of the 48 bytes")]
    [TestCase(175, "ends after 47 of the 48 bytes")]
    public void A_file_that_ends_too_soon_is_refused(int length, string reason)
    {
        _ = Python.Run("np.save(sys.argv[1], np.arange(6))", File1);
        File.WriteAllBytes(File1, File.ReadAllBytes(File1)[..length]);
        Refuse(reason);
    }

    [Test]
    public void A_file_that_is_not_an_array_is_refused()
    {
        File.WriteAllText(File1, new string('x', 1000));
        Refuse("does not begin as an .npy file does");
    }

    [Test]
    public void A_stream_is_read_once_where_a_filled_array_cannot_be_linked()
    {
        _ = Python.Run("np.save(sys.argv[1], np.arange(6))", File1);
        using ChildProcess child = ChildProcess.Start(
            [(FailingShim.FailAt, "link-empty-path:1,link-through-proc:1")], Load, Name, File1);
        child.WaitForSuccess();
        Assert.That(File.ReadAllBytes(ShmPath), Is.EqualTo(File.ReadAllBytes(File1)));

        static int Load(string[] args)
        {
            using FileStream file = File.OpenRead(args[1]);
            int calls = 0;
            SharedArray.Create(args[0], ArrayContent.Load<long>(file)).Dispose();
            SharedArray.Delete(args[0]);
            SharedArray.Create(args[0], ArrayContent.Build<long>([6], array =>
            {
                calls++;
                for (int i = 0; i < 6; i++)
                {
                    array[i] = i;
                }
            })).Dispose();
            return calls == 1 ? 0 : 2;
        }
    }

    [Test]
    public void One_of_six_processes_creates_the_array_and_all_see_its_content()
    {
        const int Rounds = 50;
        using ChildProcessGroup children = new();
        children.Start(6, Compete, Name);
        children.Expect("READY");
        for (int round = 0; round < Rounds; round++)
        {
            children.Send("GO");
            string[] answers = [.. children.ReadLines().Distinct()];
            Assert.That(answers, Has.Length.EqualTo(1), $"round {round}: {string.Join(", ", answers)}");
            Assert.That(children.Ids.Select(id => $"{id}"), Does.Contain(answers[0]));
            SharedArray.Delete(Name);
        }

        children.WaitForSuccess();

        // Prints the value of all elements, which is the creator's process id.
        static int Compete(string[] args)
        {
            Console.WriteLine("READY");
            while (Console.ReadLine() is not null)
            {
                using SharedArray<int> array = SharedArray.CreateOrAttach(
                    args[0], ArrayContent.Build<int>([100_000], array => array.Fill(Environment.ProcessId)));
                Console.WriteLine(string.Join(' ', array.ToArray().Distinct()));
            }

            return 0;
        }
    }

    [Test]
    public void An_existing_array_keeps_its_content_and_must_have_the_shape()
    {
        using SharedArray<int> first = SharedArray.CreateOrAttach(Name, ArrayContent.Filled(1, 4));
        using SharedArray<int> second = SharedArray.CreateOrAttach(Name, ArrayContent.Filled(2, 4));
        Assert.That(second.ToArray(), Is.All.EqualTo(1));
        Assert.That(
            () => SharedArray.CreateOrAttach(Name, ArrayContent.Filled(2, 5)),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("shape"));
        Assert.That(() => SharedArray.CreateOrAttach(Name, ArrayContent.Filled(2.0, 4)), Throws.InstanceOf<InvalidDataException>());
        _ = Python.Run("np.save(sys.argv[1], np.zeros(4, 'i4'))", File1);
        using SharedArray<int> third = SharedArray.CreateOrAttach(Name, ArrayContent.Load<int>(File1));
        Assert.That(third.ToArray(), Is.All.EqualTo(1));
    }

    [Test]
    public void An_existing_name_has_an_exception_of_its_own()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 4);
        Assert.That(
            () => SharedArray.Create($"shm://{Name}", ArrayContent.Filled(1, 4)),
            Throws.TypeOf<SharedArrayExistsException>().With.Property("Name").EqualTo(Name).And.Property("HResult").EqualTo(17));
        Assert.That(
            () => SharedArray.Create<byte>(NameOf("large"), 1L << 50),
            Throws.TypeOf<IOException>().With.Property("HResult").EqualTo(28));

        // The exception of another array, created by the callback, ends the creation.
        int calls = 0;
        Assert.That(
            () => SharedArray.CreateOrAttach(NameOf("other"), ArrayContent.Build<int>([1], _ => SharedArray.Create<int>(Name, ++calls))),
            Throws.TypeOf<SharedArrayExistsException>().With.Property("Name").EqualTo(Name));
        Assert.That(calls, Is.EqualTo(1));
    }

    private void Refuse(string reason)
    {
        Assert.That(
            () => SharedArray.Create(Name, ArrayContent.Load<long>(File1)),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains(reason));
        using FileStream stream = File.OpenRead(File1);
        Assert.That(
            () => SharedArray.CreateOrAttach(Name, ArrayContent.Load<long>(stream)),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains(reason));
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);
    }
}
