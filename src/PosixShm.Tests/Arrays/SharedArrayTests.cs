using System.Numerics;

namespace PosixShm.Tests;

internal sealed class SharedArrayTests : NamedTest
{
    [Test]
    public void Points_are_printed_below_each_other()
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.From([1, 22.25, -3.5, double.NaN, 1000]));
        Assert.That(array.ToString(), Is.EqualTo("[   1.     22.25   -3.5      nan 1000.  ]"));
    }

    [Test]
    public void Create_gives_zeros_of_float64()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        Assert.That(array.ToArray(), Is.EqualTo(new double[10]));
        Assert.That((array.Name, array.DType, array.Length, array.Rank, array.ByteLength), Is.EqualTo((Name, "<f8", 10L, 1, 80L)));
        Assert.That(array.Shape, Is.EqualTo(new long[] { 10 }));
        Assert.That(array.ToString(), Is.EqualTo("[0. 0. 0. 0. 0. 0. 0. 0. 0. 0.]"));
    }

    [Test]
    public void Array_is_created_attached_read_written_and_deleted()
    {
        SharedArray<double> first = SharedArray.Create(Name, 10);
        using SharedArray<double> second = SharedArray.Attach(Name);

        first[3] = 42;
        Assert.That(second[3], Is.EqualTo(42));

        first.Dispose();
        Assert.That(second[3], Is.EqualTo(42));
        Assert.That(SharedArray.List().Select(info => info.Name), Does.Contain(Name));

        SharedArray.Delete(Name);
        Assert.That(second[3], Is.EqualTo(42));
        Assert.That(SharedArray.Exists(Name), Is.False);
    }

    [Test]
    public void Another_process_sees_what_this_one_wrote_and_this_one_sees_its_answer()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 3);
        array[0] = 42;

        ChildProcess.Run(Answer, Name);

        Assert.That(array[1], Is.EqualTo(43));

        static int Answer(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            array[1] = array[0] + 1;
            return 0;
        }
    }

    [Test]
    public void An_array_outlives_the_process_that_made_it_however_that_ended()
    {
        using ChildProcess child = ChildProcess.Start(CreateAndWait, Name);
        child.Expect("READY");
        Assert.That(SharedArray.Describe(Name).IsInUse, Is.True);
        child.Kill();

        Assert.That(SharedArray.Describe(Name).IsInUse, Is.False);
        using SharedArray<int> array = SharedArray.Attach<int>(Name);
        Assert.That(array[6], Is.EqualTo(7));

        static int CreateAndWait(string[] args)
        {
            using SharedArray<int> array = SharedArray.Create<int>(args[0], 7);
            array[6] = 7;
            Console.WriteLine("READY");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void Indices_reach_the_elements_in_C_order()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 2, 3);
        for (int i = 0; i < 6; i++)
        {
            array[i] = i;
        }

        Assert.That((array[0, 0], array[0, 2], array[1, 0], array[1, 2]), Is.EqualTo((0, 2, 3, 5)));
        array[1, 1] = -4;
        array[[0, 1]]++;
        Assert.That(array.ToArray(), Is.EqualTo(new[] { 0, 2, 2, 3, -4, 5 }));
    }

    [Test]
    public void Three_and_more_indices_reach_the_elements_in_C_order()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 2, 3, 4, 5);
        int next = 0;
        for (int i = 0; i < 2; i++)
        {
            for (int j = 0; j < 3; j++)
            {
                for (int k = 0; k < 4; k++)
                {
                    for (int l = 0; l < 5; l++)
                    {
                        array[i, j, k, l] = next++;
                    }
                }
            }
        }

        Assert.That(array.ToArray(), Is.EqualTo(Enumerable.Range(0, 120)));
    }

    [Test]
    public void Index_out_of_range_is_an_error_that_names_the_array_and_the_shape()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 2, 3);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => array[6], Throws.InstanceOf<IndexOutOfRangeException>().With.Message.Contains(Name).And.Message.Contains("(6,)"));
            Assert.That(() => array[-1], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => array[0, 3], Throws.InstanceOf<IndexOutOfRangeException>().With.Message.Contains("(2, 3)"));
            Assert.That(() => array[-1, 0], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => array[2, 0], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => array[0, 0, 0], Throws.ArgumentException.With.Message.Contains("2 dimensions"));
            Assert.That(() => array[long.MaxValue, long.MaxValue], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => array.AsSpan(1, 6).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => array.AsSpan(-1, 1).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => array.AsSpan(long.MaxValue, 1).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
        }
    }

    [Test]
    public void Spans_copies_fills_and_enumeration_are_the_same_memory()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 6);
        array.CopyFrom([1, 2, 3], start: 2);
        array.Span[0] = 9;
        array.AsSpan(5, 1)[0] = 7;
        foreach (ref int element in array)
        {
            element *= 10;
        }

        int[] copy = new int[3];
        array.CopyTo(copy, start: 2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(array.ToArray(), Is.EqualTo(new[] { 90, 0, 10, 20, 30, 70 }));
            Assert.That(copy, Is.EqualTo(new[] { 10, 20, 30 }));
            Assert.That(array.Sum(), Is.EqualTo(220));
            Assert.That(array.GetValue(0), Is.EqualTo(90));
            Assert.That(() => array.SetValue("text", 0), Throws.InstanceOf<InvalidCastException>());
            Assert.That(() => array.CopyFrom(new int[7]), Throws.InstanceOf<ArgumentOutOfRangeException>());
        }

        array.SetValue(5, 1);
        array.Fill(array[1]);
        Assert.That(array, Is.All.EqualTo(5));
    }

    [Test]
    public void Nothing_reaches_a_detached_array()
    {
        SharedArray<int> array = SharedArray.Create<int>(Name, 2, 3);
        array.Dispose();
        array.Dispose();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => array[0], Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => array[0, 0], Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => array[5, 5], Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => array.Span.Length, Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => array.AsSpan(0, 0).Length, Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => array.Fill(1), Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(array.ToArray, Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => array.CopyFrom([1]), Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => array.GetValue(0), Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(array.Sum, Throws.InstanceOf<ObjectDisposedException>());
            Assert.That((array.Name, array.Length), Is.EqualTo((Name, 6L)));
        }
    }

    [Test]
    public void Arrays_without_elements_and_without_dimensions_work()
    {
        using SharedArray<float> empty = SharedArray.Create<float>(NameOf("empty"), 3, 0);
        using SharedArray<float> scalar = SharedArray.Create<float>(NameOf("scalar"));
        scalar[0] = 1.5f;

        using SharedArray<float> emptyAgain = SharedArray.Attach<float>(NameOf("empty"));
        using SharedArray<float> scalarAgain = SharedArray.Attach<float>(NameOf("scalar"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((emptyAgain.Length, emptyAgain.Rank, emptyAgain.Span.Length), Is.EqualTo((0L, 2, 0)));
            Assert.That((scalarAgain.Length, scalarAgain.Rank, scalarAgain[0]), Is.EqualTo((1L, 0, 1.5f)));
            Assert.That(scalarAgain[[]], Is.EqualTo(1.5f));
            Assert.That(empty.ToArray(), Is.Empty);
        }
    }

    [Test]
    public void Arrays_have_at_most_64_dimensions()
    {
        long[] shape = [.. Enumerable.Repeat(1L, 63), 2];
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, shape);
        array[[.. Enumerable.Repeat(0L, 63), 1]] = 7;

        using SharedArray<byte> again = SharedArray.Attach<byte>(Name);
        Assert.That(again.Shape, Is.EqualTo(shape));
        Assert.That(again[1], Is.EqualTo(7));
        Assert.That(
            () => SharedArray.Create<byte>(NameOf("x"), [.. shape, 1]), Throws.ArgumentException.With.Message.Contains("64 dimensions"));
    }

    [TestCase(-1L)]
    [TestCase(long.MinValue)]
    [TestCase(3L, -2L)]
    public void A_negative_dimension_is_refused(params long[] shape)
        => Assert.That(
            () => SharedArray.Create(Name, shape),
            Throws.InstanceOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo("shape"));

    [TestCase(long.MaxValue)]
    [TestCase(1L << 60)]
    [TestCase(1L << 31, 1L << 31)]
    [TestCase(1L << 40, 1L << 40, 0L)]
    [TestCase(1L << 62, 1L << 62, 4L)]
    public void A_shape_that_overflows_is_refused(params long[] shape)
    {
        Assert.That(() => SharedArray.Create(Name, shape), Throws.ArgumentException.With.Message.Contains("larger than"));
        Assert.That(File.Exists(ShmPath), Is.False);
    }

    [Test]
    public void A_type_that_numpy_does_not_have_is_refused_by_name()
        => Assert.That(
            () => SharedArray.Create<decimal>(Name, 1), Throws.InstanceOf<NotSupportedException>().With.Message.Contains("System.Decimal"));

    [Test]
    public void The_element_type_may_be_named_at_run_time()
    {
        using UntypedSharedArray created = SharedArray.Create(Name, ArrayContent.Zeros("float32", 2, 2));
        created.SetValue(2.5f, 3);
        using UntypedSharedArray opened = SharedArray.AttachUntyped(Name);

        Assert.That(opened, Is.InstanceOf<SharedArray<float>>());
        Assert.That((opened.ElementType, opened.GetValue(3)), Is.EqualTo((typeof(float), 2.5f)));
        Assert.That(
            () => SharedArray.Create(NameOf("x"), ArrayContent.Zeros("float33", 1)),
            Throws.ArgumentException.With.Message.Contains("float64"));
    }

    [Test]
    public void Complex64_consists_of_two_floats()
    {
        using SharedArray<Complex64> array = SharedArray.Create<Complex64>(Name, 1);
        array[0] = (Complex64)new Complex(1.5, -2.5);
        Assert.That(array[0], Is.EqualTo(new Complex64(1.5f, -2.5f)));
        Assert.That((Complex)array[0], Is.EqualTo(new Complex(1.5, -2.5)));
        Assert.That(array[0].ToString(), Is.EqualTo("<1.5; -2.5>"));
    }

    [Test]
    public void Existing_name_is_an_IOException_that_names_it()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        Assert.That(
            () => SharedArray.Create<int>(Name, 1),
            Throws.InstanceOf<IOException>().With.Message.Contains($"'{Name}' is taken").And.Property("HResult").EqualTo(17));
    }

    [Test]
    public void A_missing_name_is_a_FileNotFoundException_that_names_it()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => SharedArray.Attach<int>(Name),
                Throws.InstanceOf<FileNotFoundException>().With.Message.Contains(Name).And.Property("FileName").EqualTo(Name)
                    .And.Property("HResult").EqualTo(2));
            Assert.That(() => SharedArray.AttachUntyped(Name), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(() => SharedArray.Describe(Name), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(() => SharedArray.Delete(Name), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(SharedArray.TryDelete(Name), Is.False);
            Assert.That(SharedArray.Exists(Name), Is.False);
        }
    }

    [Test]
    public void A_missing_directory_is_a_DirectoryNotFoundException_that_names_it()
        => Assert.That(
            () => SharedArray.Create($"file://{Folder}/missing/a.npy", 1),
            Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains($"{Folder}/missing"));

    [Test]
    public void Another_element_type_is_an_error_that_names_both()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        Assert.That(
            () => SharedArray.Attach<double>(Name),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("<i4").And.Message.Contains("<f8").And.Message.Contains(Name));
        Assert.That(() => SharedArray.Attach<uint>(Name), Throws.InstanceOf<InvalidDataException>());
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(11)]
    [TestCase(127)]
    [TestCase(128)]
    [TestCase(128 + 79)]
    public void Truncated_array_is_refused_and_can_be_deleted_while_its_first_bytes_identify_it(int size)
    {
        SharedArray.Create(Name, 10).Dispose();
        using (FileStream file = File.OpenWrite(ShmPath))
        {
            file.SetLength(size);
        }

        Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains(Name));
        Assert.That(() => SharedArray.Describe(Name), Throws.InstanceOf<InvalidDataException>());
        Assert.That(SharedArray.Exists(Name), Is.False);
        Assert.That(SharedArray.List().Select(info => info.Name), Does.Not.Contain(Name));
        if (size < 6)
        {
            Assert.That(() => SharedArray.Delete(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("not an array"));
        }
        else
        {
            SharedArray.Delete(Name);
        }

        Assert.That(File.Exists(ShmPath), Is.EqualTo(size < 6));
    }

    [Test]
    public void A_file_that_is_no_array_is_refused_and_not_deleted()
    {
        File.WriteAllText(ShmPath, "another program's file");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("not an array"));
            Assert.That(() => SharedArray.Delete(Name), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.CreateOrAttach<double>(Name, 1), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.Create(Name, 1), Throws.InstanceOf<IOException>().With.Message.Contains("taken"));
        }

        Assert.That(File.ReadAllText(ShmPath), Is.EqualTo("another program's file"));
    }

    [Test]
    public void CreateOrAttach_creates_then_attaches_and_checks_type_and_shape()
    {
        using SharedArray<int> created = SharedArray.CreateOrAttach<int>(Name, 2, 3);
        created[5] = 42;
        using SharedArray<int> attached = SharedArray.CreateOrAttach<int>(Name, 2, 3);
        Assert.That(attached[5], Is.EqualTo(42));
        Assert.That(
            () => SharedArray.CreateOrAttach<int>(Name, 3, 2),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("(2, 3), not (3, 2)"));
        Assert.That(() => SharedArray.CreateOrAttach<long>(Name, 2, 3), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void A_replaced_name_is_another_array_and_the_old_one_lives_on()
    {
        using SharedArray<int> old = SharedArray.Create<int>(Name, 1);
        old[0] = 1;
        SharedArray.Delete(Name);
        using SharedArray<int> young = SharedArray.Create<int>(Name, 1);
        young[0] = 2;
        Assert.That((old[0], young[0]), Is.EqualTo((1, 2)));
    }

    [Test]
    public void An_array_in_a_file_works_the_same()
    {
        string name = "file://" + Path.Combine(Folder, "a b.npy");
        using (SharedArray<short> array = SharedArray.Create<short>(name, 4))
        {
            array[3] = 3;
        }

        using SharedArray<short> again = SharedArray.Attach<short>(name);
        Assert.That(again[3], Is.EqualTo(3));
        Assert.That(SharedArray.Describe(name).Name, Is.EqualTo(name));
        SharedArray.Delete(name);
        Assert.That(Directory.GetFiles(Folder), Is.Empty);
    }

    [Test]
    public void More_elements_than_a_span_holds_are_reached_by_index_and_by_parts()
    {
        const long Length = (3L << 30) + 1;
        using SharedArray<byte> array = SharedArray.Create(
            Name, ArrayContent.Zeros<byte>(Length), new SharedArrayOptions { Preallocate = false });
        array[Length - 1] = 1;
        array.AsSpan(Length - 3, 2)[1] = 2;

        Assert.That((array.Length, array[Length - 1], array[Length - 2]), Is.EqualTo((Length, (byte)1, (byte)2)));
        Assert.That(() => array.Span.Length, Throws.InvalidOperationException.With.Message.Contains("AsSpan"));
    }
}
