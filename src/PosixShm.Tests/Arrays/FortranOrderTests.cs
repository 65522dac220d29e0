using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PosixShm.Tests;

/// <summary>Arrays whose first index runs fastest, as other programs write them: numpy's elements in numpy's places.</summary>
internal sealed class FortranOrderTests : CommandTest
{
    // An array whose elements are their own indices in C order, and numpy's description of it.
    private const string Save = """
        shape = eval(sys.argv[2])
        a = np.asfortranarray(np.arange(np.prod(shape)).reshape(shape).astype(sys.argv[3]))
        with open(sys.argv[1], 'xb') as file:
            np.save(file, a)
        m = np.load(sys.argv[1], mmap_mode='r')
        print(m.offset, *m.strides, a.flags.f_contiguous and not a.flags.c_contiguous)
        print(a)
        """;

    private string OnDisk => Path.Combine(Folder, "a.npy");

    [TestCase("(1, 1)")]
    [TestCase("(4, 1)")]
    [TestCase("(1, 4, 1)")]
    [TestCase("(5,)")]
    [TestCase("()")]
    [TestCase("(0, 3)")]
    [TestCase("(3, 0, 2)")]
    public void Arrays_for_which_both_orders_are_the_same_are_in_C_order(string shape)
    {
        _ = Python.Run(
            """
            shape = eval(sys.argv[2])
            with open(sys.argv[1], 'xb') as file:
                np.lib.format._write_array_header(file, {'descr': '<f8', 'fortran_order': True, 'shape': shape})
                file.write(np.arange(float(np.prod(shape))).tobytes())
            """,
            ShmPath, shape);
        using SharedArray<double> array = SharedArray.Attach(Name);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(array.IsFortranOrder, Is.False);
            Assert.That(SharedArray.Describe(Name).IsFortranOrder, Is.False);
            Assert.That(array.Span.ToArray(), Is.EqualTo(Enumerable.Range(0, (int)array.Length).Select(i => (double)i)));
            Assert.That(array.AsTensorSpan().FlattenedLength, Is.EqualTo((nint)array.Length));
            Assert.That(array.IsCurrent, Is.True);
        }
    }

    [Test]
    public void Elements_are_where_numpy_has_them(
        [Values("(2, 3)", "(3, 2)", "(2, 3, 4)", "(2, 1, 3)", "(1, 2, 3, 2)", "(3, 4, 2, 5)")] string shape, [Values] bool inFile)
    {
        (string name, string path) = inFile ? ($"file://{OnDisk}", OnDisk) : (Name, ShmPath);
        using (Assert.EnterMultipleScope())
        {
            Check<double>(name, path, shape, "f8");
            Check<float>(name, path, shape, "f4");
            Check<long>(name, path, shape, "i8");
            Check<ushort>(name, path, shape, "u2");
            Check<byte>(name, path, shape, "u1");
            Check<Complex>(name, path, shape, "c16");
        }
    }

    // More than one piece of 4 MiB, and a shorter last piece.
    [TestCase("(3, 4, 2)")]
    [TestCase("(1201, 901)")]
    public void Saved_file_is_the_one_that_numpy_saves_of_a_copy_in_C_order(string shape)
    {
        _ = Python.Run(Save, ShmPath, shape, "f8");
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That(array.IsFortranOrder, Is.True);
        array.Save(OnDisk);
        string same = Python.Run(
            """
            import io
            expected = io.BytesIO()
            np.save(expected, np.ascontiguousarray(np.load(sys.argv[1])))
            print(expected.getvalue() == open(sys.argv[2], 'rb').read())
            """,
            ShmPath, OnDisk);
        Assert.That(same.Trim(), Is.EqualTo("True"));
    }

    // Shorter and longer than a tile in each dimension.
    [Test]
    public void Parts_of_any_length_are_copied(
        [Values("(37, 41)", "(2, 300)", "(300, 2)", "(1, 33, 18)", "(33, 1, 18)", "(18, 33, 1)", "(17, 3, 35)", "(5, 2, 3, 40)")]
        string shape)
    {
        CheckParts<byte>("u1");
        CheckParts<ushort>("u2");
        CheckParts<float>("f4");
        CheckParts<double>("f8");
        CheckParts<Complex>("c16");

        void CheckParts<T>(string dtype)
            where T : unmanaged, INumberBase<T>
        {
            _ = Python.Run(Save, ShmPath, shape, dtype);
            using SharedArray<T> array = SharedArray.Attach<T>(Name);
            T[] expected = [.. Enumerable.Range(0, (int)array.Length).Select(T.CreateTruncating)];
            Random random = new(1);
            for (int i = 0; i < 100; i++)
            {
                int start = random.Next(expected.Length);
                T[] part = new T[random.Next(expected.Length - start) + 1];
                array.CopyTo(part, start);
                Assert.That(part.AsSpan().SequenceEqual(expected.AsSpan(start, part.Length)), Is.True, $"{dtype} {start} {part.Length}");
                random.Shuffle(part);
                array.CopyFrom(part, start);
                part.CopyTo(expected, start);
            }

            string path = Path.Combine(Folder, "expected");
            File.WriteAllBytes(path, MemoryMarshal.AsBytes<T>(expected));
            string same = Python.Run(
                "a = np.load(sys.argv[1]); print(a.flags.f_contiguous, a.tobytes() == open(sys.argv[2], 'rb').read())", ShmPath, path);
            Assert.That(same, Is.EqualTo("True True"), dtype);
            File.Delete(ShmPath);
        }
    }

    [Test]
    public void Files_and_streams_are_loaded_in_C_order([Values(ArrayLayout.Npy, ArrayLayout.PythonSharedArray)] ArrayLayout layout)
    {
        Load<float>("np.arange(6, dtype='f4').reshape(2, 3)");
        Load<short>("np.arange(120, dtype='i2').reshape(5, 1, 4, 6)");
        Load<Complex>("np.arange(64, dtype='c16').reshape((2,) * 6)");
        Load<double>("np.arange(2_400_000.).reshape(1000, 2400)"); // two pieces, of 16 MiB at most
        if (layout == ArrayLayout.Npy)
        {
            Load<Packed>("np.arange(24).reshape(3, 2, 4).astype(np.dtype([('X', '<f4'), ('Y', '<i8')]))");
        }

        void Load<T>(string expression)
            where T : unmanaged
        {
            string expected = Path.Combine(Folder, "c.npy");
            _ = Python.Run(
                "a = eval(sys.argv[1]); np.save(sys.argv[2], np.asfortranarray(a)); np.save(sys.argv[3], a)", expression, OnDisk, expected);
            SharedArrayOptions options = new() { Layout = layout };
            using FileStream stream = File.OpenRead(OnDisk);
            Check(SharedArray.Create(Name, ArrayContent.Load<T>(OnDisk), options));
            Check(SharedArray.CreateOrAttach(Name, ArrayContent.Load<T>(stream), options));

            void Check(SharedArray<T> array)
            {
                using (array)
                {
                    array.Save($"{OnDisk}.saved");
                    Assert.That(array.IsFortranOrder, Is.False);
                    Assert.That(File.ReadAllBytes($"{OnDisk}.saved").SequenceEqual(File.ReadAllBytes(expected)), Is.True, expression);
                    SharedArray.Delete(Name);
                }
            }
        }
    }

    [TestCase(128, "ends after 0 of the 48 bytes")]
    [TestCase(175, "ends after 47 of the 48 bytes")]
    public void A_file_that_ends_too_soon_is_not_loaded(int length, string reason)
    {
        _ = Python.Run(Save, OnDisk, "(2, 3)", "f8");
        File.WriteAllBytes(OnDisk, File.ReadAllBytes(OnDisk)[..length]);
        Assert.That(
            () => SharedArray.Create(Name, ArrayContent.Load<double>(OnDisk)),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains(reason));
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);
    }

    private static void Check<T>(string name, string path, string shape, string dtype)
        where T : unmanaged, INumberBase<T>
    {
        string[] numpy = Python.Run(Save, path, shape, dtype).Split('\n', 2);
        using SharedArray<T> array = SharedArray.Attach<T>(name);
        using ReadOnlySharedArray<T> other = SharedArray.AttachReadOnly<T>(name);
        SharedArrayInfo info = SharedArray.Describe(name);
        T[] expected = [.. Enumerable.Range(0, (int)array.Length).Select(T.CreateChecked)];
        T[] part = new T[expected.Length - 2];
        T[] flat = new T[expected.Length];
        List<T> one = [];
        List<T> two = [];
        array.CopyTo(part, 1);
        array.AsTensorSpan().FlattenTo(flat);
        foreach (T element in array)
        {
            one.Add(element);
        }

        foreach (ref readonly T element in other)
        {
            two.Add(element);
        }

        Assert.That($"{info.DataOffset} {string.Join(' ', info.ByteStrides)} {info.IsFortranOrder}", Is.EqualTo(numpy[0]));
        Assert.That($"{array.DataOffset} {string.Join(' ', array.ByteStrides)} {array.IsFortranOrder}", Is.EqualTo(numpy[0]));
        Assert.That(dtype == "c16" || array.ToString() == numpy[1], Is.True, $"{array}"); // numpy writes complex numbers otherwise
        Assert.That(array.ToArray(), Is.EqualTo(expected));
        Assert.That(other.ToArray(), Is.EqualTo(expected));
        Assert.That(part, Is.EqualTo(expected[1..^1]));
        Assert.That(flat, Is.EqualTo(expected));
        Assert.That(one, Is.EqualTo(expected));
        Assert.That(two, Is.EqualTo(expected));
        Assert.That(((IEnumerable<T>)array).ToArray(), Is.EqualTo(expected));
        for (int i = 0; i < expected.Length; i++)
        {
            long[] indices = new long[array.Rank];
            for (int rest = i, d = array.Rank - 1; d >= 0; d--)
            {
                (rest, int at) = Math.DivRem(rest, (int)array.Shape[d]);
                indices[d] = at;
            }

            Assert.That(array[indices], Is.EqualTo(expected[i]));
            Assert.That(array.Rank == 2 ? other[indices[0], indices[1]] : other[indices], Is.EqualTo(expected[i]));
            Assert.That(array.GetValue(i), Is.EqualTo(expected[i]));
            Assert.That(array.AsTensorSpan()[[.. indices.Select(index => (nint)index)]], Is.EqualTo(expected[i]));
        }

        for (long row = 0; row < array.Shape[0]; row++)
        {
            TensorSpan<T> tensor = array.RowTensor(row);
            T[] elements = new T[expected.Length / array.Shape[0]];
            tensor.FlattenTo(elements);
            Assert.That(elements, Is.EqualTo(expected.Skip((int)row * elements.Length).Take(elements.Length)));
        }

        File.Delete(path);
    }

    [Test]
    public void Stores_are_where_numpy_reads_them()
    {
        _ = Python.Run(Save, ShmPath, "(3, 4)", "f8");
        _ = Python.Run(Save, ShmPathOf(NameOf("3")), "(2, 3, 2)", "i4");
        using (SharedArray<double> two = SharedArray.Attach(Name))
        using (SharedArray<int> three = SharedArray.Attach<int>(NameOf("3")))
        {
            two[1, 2] = -1;
            two.SetValue(-2.0, 11);
            two.CopyFrom([-3, -4, -5], 3);
            two.AsTensorSpan(..1, ..2).Fill(-6);
            three[1, 2, 0] = -1;
            three.RowTensor(0)[1, 1] = -2;
            foreach (ref int element in three)
            {
                element *= 10;
            }
        }

        string read = Python.Run(
            """
            for path in sys.argv[1:]:
                a = np.load(path)
                print(a.flags.f_contiguous, a.ravel().tolist())
            """,
            ShmPath, ShmPathOf(NameOf("3")));
        Assert.That(
            read,
            Is.EqualTo(
                """
                True [-6.0, -6.0, 2.0, -3.0, -4.0, -5.0, -1.0, 7.0, 8.0, 9.0, 10.0, -2.0]
                True [0, 10, 20, -20, 40, 50, 60, 70, 80, 90, -10, 110]
                """));
    }

    [Test]
    public void Structs_are_in_their_places()
    {
        _ = Python.Run(
            """
            a = np.zeros((2, 3, 2), np.dtype([('X', '<f4'), ('Y', '<i8')], align=True), order='F')
            a['X'], a['Y'] = np.arange(12).reshape(2, 3, 2), 100 + np.arange(12).reshape(2, 3, 2)
            np.save(open(sys.argv[1], 'xb'), a)
            """,
            ShmPath);
        using (SharedArray<Pair> array = SharedArray.Attach<Pair>(Name))
        {
            Assert.That(array.IsFortranOrder, Is.True);
            Assert.That(
                array.ToArray().Select(pair => (pair.X, pair.Y)), Is.EqualTo(Enumerable.Range(0, 12).Select(i => ((float)i, 100L + i))));
            array[1, 0, 1].Y = -1;
            array.CopyFrom([new Pair { X = -2, Y = -3 }], 5);
        }

        Assert.That(
            Python.Run("a = np.load(sys.argv[1]); print(a['Y'][1, 0, 1], a[0, 2, 1])", ShmPath), Is.EqualTo("-1 (-2., -3)"));
    }

    [TestCase("np.array([['a', 'bc', 'd'], ['e', '', 'fg']])", "['a', 'bc', 'd', 'e', '', 'fg']")]
    [TestCase("np.arange(6).reshape(2, 3).astype('>i4')", "['00000000', '00000001', '00000002', '00000003', '00000004', '00000005']")]
    public void Elements_without_a_type_are_read_and_set_by_their_place(string expression, string texts)
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'xb'), np.asfortranarray(eval(sys.argv[2])))", ShmPath, expression);
        using (UntypedSharedArray array = SharedArray.AttachUntyped(Name))
        {
            Assert.That($"['{string.Join("', '", Enumerable.Range(0, 6).Select(i => array.GetText(i)))}']", Is.EqualTo(texts));
            array.SetValue(array.GetValue(0), 5);
        }

        Assert.That(
            Python.Run("a = np.load(sys.argv[1]); print(a[1, 2] == a[0, 0], a[1, 1] == a[0, 0])", ShmPath), Is.EqualTo("True False"));
    }

    [Test]
    public void Flat_views_are_refused_with_what_to_use()
    {
        _ = Python.Run(Save, ShmPath, "(2, 3)", "f8");
        using SharedArray<double> array = SharedArray.Attach(Name);
        using ReadOnlySharedArray<double> other = SharedArray.AttachReadOnly<double>(Name);
        Action[] views =
        [
            () => _ = array.Span, () => _ = array.Memory, () => _ = array.AsSpan(0, 1), () => _ = array.Row(0), () => _ = array.Reshape(6),
            () => _ = array.View<long>(), () => _ = array.Bytes, () => _ = array[5], () => _ = other.Span, () => _ = other.AsSpan(0, 1),
            () => _ = other.Row(0), () => _ = other[0],
            () =>
            {
                using SharedArrayLease<double> lease = array.Acquire();
                _ = lease.Span;
            },
            () =>
            {
                using ReadOnlySharedArrayLease<double> lease = other.Acquire();
                _ = lease[0];
            },
        ];
        using (Assert.EnterMultipleScope())
        {
            foreach (Action view in views)
            {
                Assert.That(
                    view,
                    Throws.InvalidOperationException.With.Message.Contains($"'{Name}' is in Fortran order")
                        .And.Message.Contains("AsTensorSpan()"));
            }

            Assert.That(() => array[6], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => array[2, 0], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => array[0, -1], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => array[0, 0, 0], Throws.ArgumentException);
            Assert.That(() => array.GetValue(6), Throws.InstanceOf<IndexOutOfRangeException>());
        }

        using (SharedArrayLease<double> lease = array.Acquire())
        {
            Assert.That(lease.AsTensorSpan()[1, 0], Is.EqualTo(3));
        }

        array.Dispose();
        Assert.That(() => array[0, 0], Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => array[0], Throws.InstanceOf<ObjectDisposedException>());
    }

    [TestCase("|S0")]
    [TestCase("<U0")]
    public void Elements_without_bytes_are_copied(string dtype)
    {
        _ = Python.Run(
            "np.lib.format.write_array_header_1_0(open(sys.argv[1], 'xb'), "
            + "{'descr': sys.argv[2], 'fortran_order': True, 'shape': (2, 3)})",
            ShmPath,
            dtype);
        using UntypedSharedArray array = SharedArray.AttachUntyped(Name, SharedArrayAccess.ReadOnly);
        using UntypedSharedArray copy = SharedArray.Create(NameOf("copy"), ArrayContent.CopyOf(array));
        Assert.That((copy.Length, copy.ByteLength, copy.DType), Is.EqualTo((6L, 0L, dtype)));
    }

    [Test]
    public void Copies_and_resized_arrays_are_in_C_order_with_the_same_elements()
    {
        _ = Python.Run(Save, ShmPath, "(2, 3)", "i4");
        using (SharedArray<int> array = SharedArray.Attach<int>(Name))
        using (SharedArray<int> copy = SharedArray.Create(NameOf("copy"), ArrayContent.CopyOf(array)))
        using (SharedArray<int> resized = SharedArray.Resize<int>(Name, 2, 2))
        {
            Assert.That((copy.IsFortranOrder, resized.IsFortranOrder, array.IsCurrent), Is.EqualTo((false, false, false)));
            Assert.That(copy.Span.ToArray(), Is.EqualTo(Enumerable.Range(0, 6)));
            Assert.That(resized.Span.ToArray(), Is.EqualTo(Enumerable.Range(0, 4)));
        }

        Assert.That(Python.Run("print(np.load(sys.argv[1]).tolist())", ShmPathOf(NameOf("copy"))), Is.EqualTo("[[0, 1, 2], [3, 4, 5]]"));
    }

    [Test]
    public void Other_attachments_and_locks_are_those_of_any_array()
    {
        _ = Python.Run(Save, ShmPath, "(2, 3)", "i4");
        using UntypedSharedArray any = SharedArray.AttachUntyped(Name);
        using SharedArray<int> typed = any.As<int>();
        using SharedArray<int> own = SharedArray.AttachCopyOnWrite<int>(Name);
        using (typed.Lock.EnterScope())
        {
            typed[1, 0] = 42;
        }

        own[1, 0] = 7;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((any.IsFortranOrder, own.IsFortranOrder, any.GetValue(3), own.GetValue(3)), Is.EqualTo((true, true, 42, 7)));
            Assert.That(SharedArray.Exists(Name), Is.True);
            Assert.That(SharedArray.List().Single(info => info.Name == Name).IsFortranOrder, Is.True);
            Assert.That(Python.Run("print(np.load(sys.argv[1])[1, 0])", ShmPath), Is.EqualTo("42"));
        }

        typed.Fill(5);
        Assert.That(any.ToString(), Is.EqualTo("[[5 5 5]\n [5 5 5]]"));
    }

    [Test]
    public void A_copy_of_an_array_that_was_truncated_is_an_error()
    {
        _ = Python.Run(Save, ShmPath, "(64, 64)", "f8");
        using SharedArray<double> array = SharedArray.Attach(Name);
        using (FileStream file = new(ShmPath, FileMode.Open))
        {
            file.SetLength(4096);
        }

        Assert.That(() => array.ToArray(), Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains(Name));
        Assert.That(() => SharedArray.Create(NameOf("copy"), ArrayContent.CopyOf(array)), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(SharedArray.Exists(NameOf("copy")), Is.False);
    }

    [Test]
    public void Sub_arrays_in_Fortran_order_are_refused_by_all_functions_alike()
    {
        _ = Python.Run(
            """
            with open(sys.argv[1], 'xb') as file:
                np.lib.format._write_array_header(file, {'descr': ('<i4', (2,)), 'fortran_order': True, 'shape': (2, 3)})
                file.write(bytes(48))
            """,
            ShmPath);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => SharedArray.Attach<int>(Name),
                Throws.InstanceOf<InvalidDataException>().With.Message.Contains("sub-arrays in Fortran order"));
            Assert.That(() => SharedArray.Describe(Name), Throws.InstanceOf<InvalidDataException>());
            Assert.That(SharedArray.Exists(Name), Is.False);
            Assert.That(SharedArray.List().Select(info => info.Name), Does.Not.Contain(Name));
        }
    }

    [Test]
    public void Command_shows_the_order_and_the_elements()
    {
        _ = Python.Run(Save, ShmPath, "(2, 3)", "i4");
        JsonElement json = JsonDocument.Parse(Pshm("show", Name, "--json")).RootElement;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Pshm("show", Name), Is.EqualTo($"{Name}: <i4 (2, 3)\n[[0 1 2]\n [3 4 5]]\n"));
            Assert.That(json.GetProperty("values").GetRawText(), Is.EqualTo("[0,1,2,3,4,5]"));
            Assert.That(json.GetProperty("order").GetString(), Is.EqualTo("F"));
            Assert.That(json.GetProperty("strides").GetRawText(), Is.EqualTo("[4,8]"));
            Assert.That(Shell("\"$pshm\" list | awk -v name=\"$1\" '$1 == name { print $9 }'", Name), Is.EqualTo("F"));
        }
    }

    // Without padding, whose bytes numpy does not copy.
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Packed
    {
        public float X;
        public long Y;
    }

    private struct Pair
    {
        public float X;
        public long Y;
    }
}
