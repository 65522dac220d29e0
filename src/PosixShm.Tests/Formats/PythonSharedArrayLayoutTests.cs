using System.Buffers.Binary;
using System.Numerics;

namespace PosixShm.Tests;

/// <summary>
/// Arrays of Python's SharedArray package, and arrays of this library in its layout. Files of the package and a reader written from its
/// layout replace the package.
/// </summary>
internal sealed class PythonSharedArrayLayoutTests : NamedTest
{
    // Attaches as the package does, in a build with room for that many dimensions. It uses only numpy and struct.
    private const string Reader = """
        import os, struct
        TYPES = dict(enumerate('? b B h H i I q Q q Q f d g F D G'.split()))
        def attach(path, room):
            size = os.stat(path).st_size
            meta = 36 + 8 * room
            with open(path, 'rb') as f:
                f.seek(size - meta)
                trailer = f.read()
            magic, length, number, item, rank = struct.unpack_from('=16sqiii', trailer)
            assert magic.split(b'\0')[0] == b'[SharedArray]', magic
            assert 0 <= rank <= room, rank
            dims = struct.unpack_from(f'={rank}q', trailer, 36)
            sized = {18: 'S%d', 19: 'U%d', 20: 'V%d', 21: 'M%d', 22: 'm%d', 23: 'f%d'}
            dtype = np.dtype(TYPES[number] if number in TYPES else sized[number] % (item // (4 if number == 19 else 1)))
            assert dtype.itemsize == item and item * int(np.prod(dims, dtype=np.int64)) == length, (dtype, item, dims, length)
            # Before numpy 1.26, memmap refuses an array of no elements.
            return np.memmap(path, dtype, 'r+', 0, dims) if length else np.empty(dims, dtype)

        """;

    private static readonly SharedArrayOptions s_layout = new() { Layout = ArrayLayout.PythonSharedArray };

    [TestCaseSource(typeof(PythonSharedArrayFixtures), nameof(PythonSharedArrayFixtures.All))]
    public void Every_array_of_the_package_is_attached_with_its_type_shape_and_values(SharedArrayFixture fixture)
    {
        string file = Path.Combine(Folder, "copy");
        File.Copy(fixture.File, file);
        File.Copy(fixture.File, ShmPath);

        foreach (string name in (string[])[$"file://{file}", Name])
        {
            using (UntypedSharedArray array = SharedArray.AttachUntyped(name))
            {
                Assert.That((array.DType, array.Shape.ToArray()), Is.EqualTo((fixture.DType, fixture.Shape)));
                Assert.That(array.ElementType, Is.Not.Null);
                Assert.That(Enumerable.Range(0, (int)array.Length).Select(i => Number(array.GetValue(i))), Is.EqualTo(fixture.Values));
            }

            SharedArrayInfo info = SharedArray.Describe(name);
            Assert.That(
                (info.Layout, info.DType, info.Shape.ToArray()), Is.EqualTo((ArrayLayout.PythonSharedArray, fixture.DType, fixture.Shape)));
            Assert.That(info.Created, Is.Not.Null);
        }

        Assert.That(SharedArray.List().Select(info => info.Name), Does.Contain(Name));
        Assert.That(SharedArray.List(directory: Folder).Select(info => info.Name), Is.EqualTo(new[] { $"file://{file}" }));
        SharedArray.Delete(Name);
        Assert.That(File.Exists(ShmPath), Is.False);
    }

    [TestCaseSource(typeof(PythonSharedArrayFixtures), nameof(PythonSharedArrayFixtures.All))]
    public void The_reader_of_these_tests_reads_the_arrays_of_the_package(SharedArrayFixture fixture)
    {
        string file = Path.Combine(Folder, "copy");
        File.Copy(fixture.File, file);
        int room = fixture.ToString().StartsWith("numpy1", StringComparison.Ordinal) ? 32 : 64;
        string seen = Python.Run(Reader + "a = attach(sys.argv[1], int(sys.argv[2])); print(a.dtype.str, list(a.shape))", file, $"{room}");
        Assert.That(seen, Is.EqualTo($"{fixture.DType} [{string.Join(", ", fixture.Shape)}]"));
    }

    [TestCase("bool", "|b1")]
    [TestCase("int8", "|i1")]
    [TestCase("uint8", "|u1")]
    [TestCase("int16", "<i2")]
    [TestCase("uint16", "<u2")]
    [TestCase("int32", "<i4")]
    [TestCase("uint32", "<u4")]
    [TestCase("int64", "<i8")]
    [TestCase("uint64", "<u8")]
    [TestCase("float16", "<f2")]
    [TestCase("float32", "<f4")]
    [TestCase("float64", "<f8")]
    [TestCase("f16", "<f16")]
    [TestCase("complex64", "<c8")]
    [TestCase("complex128", "<c16")]
    [TestCase("S5", "|S5")]
    [TestCase("U3", "<U3")]
    [TestCase("V24", "|V24")]
    [TestCase("M8[ns]", "<M8")]
    [TestCase("m8[s]", "<m8")]
    public void Both_builds_of_the_package_attach_what_we_create(string dtype, string stored)
    {
        SharedArray.Create(Name, ArrayContent.Zeros(dtype, 2, 3), s_layout).Dispose();
        foreach (string room in (string[])["32", "64"])
        {
            string seen = Python.Run(
                Reader + "a = attach(sys.argv[1], int(sys.argv[2])); print(a.dtype.str, a.shape, any(a.tobytes()))", ShmPath, room);
            Assert.That(seen, Is.EqualTo($"{stored} (2, 3) False"));
        }

        using UntypedSharedArray array = SharedArray.AttachUntyped(Name);
        Assert.That((array.DType, SharedArray.Describe(Name).Layout), Is.EqualTo((stored, ArrayLayout.PythonSharedArray)));
    }

    [TestCase]
    [TestCase(0)]
    [TestCase(5)]
    [TestCase(3, 4, 5)]
    [TestCase(2, 0, 3)]
    [TestCase(513, 3)]
    [TestCase(1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 2)]
    public void Elements_are_shared_with_both_builds_whatever_the_shape(params long[] shape)
    {
        using SharedArray<long> array = SharedArray.Create(Name, ArrayContent.Zeros<long>(shape), s_layout);
        array.CopyFrom([.. Enumerable.Range(0, (int)array.Length).Select(i => (long)i)]);
        foreach (string room in (string[])["32", "64"])
        {
            string seen = Python.Run(
                Reader + "a = attach(sys.argv[1], int(sys.argv[2])); "
                    + "print(list(a.shape), bool((a.ravel() == np.arange(a.size)).all())); a += 1; a -= 1; a.flat[:1] = 0",
                ShmPath,
                room);
            Assert.That(seen, Is.EqualTo($"[{string.Join(", ", shape)}] True"));
        }

        using SharedArray<long> attached = SharedArray.Attach<long>(Name);
        Assert.That(attached.Shape, Is.EqualTo(shape));
        Assert.That(attached, Is.EqualTo(Enumerable.Range(0, (int)array.Length)));
    }

    [Test]
    public void Numpy_alone_attaches_by_dtype_and_shape()
    {
        using SharedArray<float> array = SharedArray.Create(Name, ArrayContent.Zeros<float>(3, 4), s_layout);
        _ = Python.Run("a = np.memmap(sys.argv[1], np.float32, 'r+', 0, (3, 4)); a[2, 3] = 7", ShmPath);
        Assert.That(array[2, 3], Is.EqualTo(7));
    }

    [Test]
    public void A_running_Python_and_this_process_see_each_others_writes()
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Zeros<double>(10), s_layout);
        using ChildProcess python = Python.Start(
            Reader + "a = attach(sys.argv[1], 32); print('READY')\nfor line in sys.stdin: a[9] = a[0] + 1; print('DONE')", ShmPath);
        python.Expect("READY");
        array[0] = 41;
        python.Send("GO");
        python.Expect("DONE");
        Assert.That(array[9], Is.EqualTo(42));
        python.WaitForSuccess();
    }

    [Test]
    public void The_four_verbs_and_the_rest_work_as_in_the_other_layout()
    {
        SharedArray.Create(Name, ArrayContent.From([1, 2, 3, 4], 2, 2), s_layout).Dispose();
        Assert.That(
            () => SharedArray.Create(Name, ArrayContent.Zeros<int>(1), s_layout),
            Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
        Assert.That(
            () => SharedArray.Attach(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("holds <i4 elements, not <f8"));
        using (SharedArray<int> resized = SharedArray.Resize<int>(Name, 6))
        {
            Assert.That(resized, Is.EqualTo(new[] { 1, 2, 3, 4, 0, 0 }));
        }

        SharedArray.Replace<byte>(Name, 3).Dispose();
        SharedArrayInfo info = SharedArray.Describe(Name);
        Assert.That((info.Layout, info.DType, info.IsInUse), Is.EqualTo((ArrayLayout.PythonSharedArray, "|u1", false)));

        using (SharedArray<byte> either = SharedArray.CreateOrAttach(Name, ArrayContent.Zeros<byte>(3), s_layout))
        using (ReadOnlySharedArray<byte> read = SharedArray.AttachReadOnly<byte>(Name))
        using (SharedArray<byte> copy = SharedArray.AttachCopyOnWrite<byte>(Name))
        {
            either[0] = 7;
            copy[1] = 8;
            Assert.That(
                (read[0], read[1], either.IsCurrent, SharedArray.Describe(Name).IsInUse), Is.EqualTo(((byte)7, (byte)0, true, true)));
        }

        SharedArray.Delete(Name);
        Assert.That(SharedArray.Exists(Name), Is.False);

        using SharedArray<int> anonymous = SharedArray.CreateAnonymous(ArrayContent.Zeros<int>(3), s_layout);
        Assert.That(SharedArray.Describe(anonymous.Name).Layout, Is.EqualTo(ArrayLayout.PythonSharedArray));
    }

    [Test]
    public void A_structure_is_kept_as_bytes_and_attached_by_its_size()
    {
        using (SharedArray<Point> array = SharedArray.Create(Name, ArrayContent.Zeros<Point>(2), s_layout))
        {
            array[1] = new Point { X = 1, Y = 2.5 };
            Assert.That(array.DType, Is.EqualTo("|V16"));
        }

        using SharedArray<Point> again = SharedArray.Attach<Point>(Name);
        Assert.That(again[1].Y, Is.EqualTo(2.5));
        using SharedArray<Guid> other = SharedArray.Attach<Guid>(Name);
        Assert.That(() => SharedArray.Attach<decimal>(Name), Throws.InstanceOf<NotSupportedException>());
        Assert.That(() => SharedArray.Attach<double>(Name), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void A_long_double_is_read_as_bytes()
    {
        _ = Python.Run(
            "import struct; v = np.array([1.5, -2], dtype='g'); "
                + "open(sys.argv[1], 'xb').write(v.tobytes() "
                + "+ struct.pack('=16sqiii32q', b'[SharedArray]', v.nbytes, 13, 16, 1, 2, *[0] * 31))",
            ShmPath);
        using UntypedSharedArray array = SharedArray.AttachUntyped(Name);
        Assert.That((array.DType, array.ElementType, array.Length), Is.EqualTo(("<f16", (Type?)null, 2L)));

        // A long double has 80 bits on x86-64: 1.5 is 0xC0... times 2^0.
        Assert.That(array.GetValue(0), Is.InstanceOf<byte[]>().And.Length.EqualTo(16));
    }

    [TestCase(17, 8, "Python objects")]
    [TestCase(2056, 16, "StringDType")]
    public void Objects_are_refused_by_name(int number, int itemSize, string reason)
    {
        byte[] file = PythonSharedArrayFixtures.Both("f8_10").Numpy2;
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(file.Length - 548 + 24), number);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(file.Length - 548 + 28), itemSize);
        File.WriteAllBytes(ShmPath, file);
        Assert.That(
            () => SharedArray.AttachUntyped(Name),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains(reason).And.Message.Contains(Name));
        Assert.That(() => SharedArray.Describe(Name), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void Damaged_arrays_do_not_disturb_the_listing_and_can_be_deleted()
    {
        byte[] good = PythonSharedArrayFixtures.Both("f8_10").Numpy1;
        List<string> bad = [];
        foreach ((int offset, int value) in new[] { (24, 99), (28, 0), (32, 1000), (32, -1), (36, -5), (40, 1 << 30), (36, 11) })
        {
            byte[] file = [.. good];
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(file.Length - 292 + offset), value);
            string name = NameOf($"bad{offset}-{value}");
            bad.Add(name);
            File.WriteAllBytes(ShmPathOf(name), file);
        }

        bad.Add(NameOf("two"));
        SharedArray.Create(bad[^1], ArrayContent.Zeros<int>(2, 3), s_layout).Dispose();
        byte[] two = File.ReadAllBytes(ShmPathOf(bad[^1]));
        (two[^(292 - 36)], two[^(292 - 44)]) = (3, 2);
        File.WriteAllBytes(ShmPathOf(bad[^1]), two);

        string older = NameOf("older");
        File.WriteAllBytes(ShmPathOf(older), [.. "[SharedArray]\0\0\0"u8, .. new byte[200]]);
        File.WriteAllBytes(ShmPathOf(NameOf("cut")), good[..^1]);
        File.WriteAllBytes(ShmPath, good);

        Assert.That(
            SharedArray.List().Select(info => info.Name).Where(name => name.Contains(Name, StringComparison.Ordinal)),
            Is.EqualTo(new[] { Name }));
        foreach (string name in bad.Append(older))
        {
            Assert.That(() => SharedArray.AttachUntyped(name), Throws.InstanceOf<InvalidDataException>());
            Assert.That(SharedArray.Exists(name), Is.False);
            SharedArray.Delete(name);
        }

        // A file that ends inside its trailer is not recognised.
        Assert.That(
            () => SharedArray.AttachUntyped(NameOf("cut")),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("not an array"));
        Assert.That(
            () => SharedArray.Delete(NameOf("cut")), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("not an array"));
    }

    [Test]
    public void Too_many_dimensions_and_no_layout_are_refused_before_anything_is_made()
    {
        Assert.That(
            () => SharedArray.Create(Name, ArrayContent.Zeros<int>([.. Enumerable.Repeat(1L, 28)]), s_layout),
            Throws.ArgumentException.With.Message.Contains("27"));
        Assert.That(
            () => SharedArray.Create(Name, ArrayContent.Zeros("f12", 1), s_layout), Throws.ArgumentException.With.Message.Contains("f12"));
        Assert.That(() => new SharedArrayOptions { Layout = (ArrayLayout)7 }, Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(File.Exists(ShmPath), Is.False);
    }

    private static (double Real, double Imaginary) Number(object value) => value switch
    {
        Complex complex => (complex.Real, complex.Imaginary),
        bool flag => (flag ? 1 : 0, 0),
        _ => (Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture), 0),
    };

    private struct Point
    {
        public int X;
        public double Y;
    }
}
