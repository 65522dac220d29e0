using System.Runtime.CompilerServices;

namespace PosixShm.Tests;

/// <summary>Read-only, private, and untyped attachments.</summary>
internal sealed class AccessTests : NamedTest
{
    [Test]
    public void A_read_only_array_reads_what_others_write()
    {
        using SharedArray<int> writer = SharedArray.Create(Name, ArrayContent.From([1, 2, 3, 4, 5, 6], 2, 3));
        using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(Name);
        writer[0] = 10;

        int sum = 0;
        foreach (ref readonly int element in reader)
        {
            sum += element;
        }

        int[] copy = new int[2];
        reader.CopyTo(copy, 4);
        using ReadOnlySharedArrayLease<int> lease = reader.Acquire();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((reader[0], reader[1, 2], reader[[1, 0]], sum, reader.Sum()), Is.EqualTo((10, 6, 4, 30, 30)));
            Assert.That(
                reader.Span.SequenceEqual(writer.Span)
                    && reader.Row(1).SequenceEqual([4, 5, 6]) && reader.AsSpan(1, 2).SequenceEqual([2, 3]),
                Is.True);
            Assert.That(copy, Is.EqualTo(new[] { 5, 6 }));
            Assert.That(reader.AsReadOnlyTensorSpan()[1, 2] + reader.RowTensor(0)[1] + reader.Reshape(3, -1)[2, 1], Is.EqualTo(14));
            Assert.That(reader.AsReadOnlyTensorSpan(.., 1..2)[1, 0], Is.EqualTo(5));
            Assert.That((int)reader.View<byte>().FlattenedLength, Is.EqualTo(24));
            Assert.That((lease[0], lease.Span.Length, lease.AsReadOnlyTensorSpan()[0, 1]), Is.EqualTo((10, 6, 2)));
            Assert.That(reader.ToArray(), Is.EqualTo(writer.ToArray()));
            Assert.That(() => reader.SetValue(1, 0), Throws.InstanceOf<NotSupportedException>().With.Message.Contains("read-only"));
            Assert.That(() => reader.As<int>(), Throws.InvalidOperationException);
            Assert.That(() => reader[6], Throws.InstanceOf<IndexOutOfRangeException>());
        }
    }

    [Test]
    public void The_kernel_stops_a_store_to_a_read_only_array()
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        using ChildProcess child = ChildProcess.Start(Store, Name);
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 6), "the runtime aborts");
        Assert.That(child.Errors, Does.Contain("AccessViolationException"));
        using SharedArray<int> array = SharedArray.Attach<int>(Name);
        Assert.That(array[0], Is.Zero);

        static int Store(string[] args)
        {
            using ReadOnlySharedArray<int> array = SharedArray.AttachReadOnly<int>(args[0]);
            string maps = OwnProcess.Mappings(args[0]).Single();
            Assert.That(maps, Does.Contain(" r--s "));
            Unsafe.AsRef(in array[0]) = 1;
            return 0;
        }
    }

    [Test]
    public void Reading_is_enough_for_a_read_only_and_for_a_private_attachment()
    {
        SharedArray.Create(Name, ArrayContent.Filled(7, 3)).Dispose();
        File.SetUnixFileMode(ShmPath, (UnixFileMode)0b100_100_100);
        _ = ChildProcess.Run(OtherUser.WithoutRoot(ChildProcess.CommandLine(Read, Name)));

        static int Read(string[] args)
        {
            Assert.That(() => SharedArray.Attach<int>(args[0]), Throws.InstanceOf<UnauthorizedAccessException>());
            using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(args[0]);
            using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(args[0]);
            using UntypedSharedArray untyped = SharedArray.AttachUntyped(args[0], SharedArrayAccess.ReadOnly);
            copy[0] = 8;
            Assert.That((reader[0], copy[0], untyped.GetValue(0)), Is.EqualTo((7, 8, 7)));
            return 0;
        }
    }

    [Test]
    public void A_private_copy_keeps_its_writes_to_itself_page_by_page()
    {
        const int PerPage = 4096 / sizeof(int);
        using SharedArray<int> original = SharedArray.Create(Name, ArrayContent.Filled(1, 2 * PerPage));
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        copy[0] = 2;
        original[1] = 3;
        original[PerPage] = 4;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(original[0], Is.EqualTo(1), "the private write");
            Assert.That(copy[1], Is.EqualTo(1), "a written page is private");
            Assert.That(copy[PerPage], Is.EqualTo(4), "an unwritten page is the shared one");
        }

        // Another process opens the file by name and sees the shared elements.
        Assert.That(Python.Run("print(np.load(sys.argv[1], mmap_mode='r')[0])", ShmPath), Is.EqualTo("1"));
    }

    [Test]
    public void A_private_copy_of_an_array_larger_than_memory_is_attached()
    {
        long bytes = 0;
        foreach (string[] words in File.ReadLines("/proc/meminfo").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            bytes += words[0] is "MemTotal:" or "SwapTotal:"
                ? long.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture) << 10
                : 0;
        }

        using SharedArray<byte> array = SharedArray.Create(
            Name, ArrayContent.Zeros<byte>(2 * bytes), new SharedArrayOptions { Preallocate = false });
        using SharedArray<byte> mine = SharedArray.AttachCopyOnWrite<byte>(Name);
        mine[bytes] = 1;
        Assert.That(mine[bytes] - array[bytes], Is.EqualTo(1));
    }

    [Test]
    public void A_private_copy_that_finds_no_promised_memory_is_an_error_that_names_overcommit()
    {
        SharedArray.Create<byte>(Name, 1).Dispose();
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, "map:12")], Attach, Name);
        child.WaitForSuccess();

        static int Attach(string[] args)
        {
            Assert.That(
                () => SharedArray.AttachCopyOnWrite<byte>(args[0]),
                Throws.InstanceOf<IOException>().With.Message.Contains("vm.overcommit_memory").And.Message.Contains(args[0]));
            return 0;
        }
    }

    [Test]
    public void Untyped_array_has_its_dtype_and_gets_and_sets_elements()
    {
        using SharedArray<short> array = SharedArray.Create(Name, ArrayContent.From<short>([1, 2, 3]));
        using UntypedSharedArray untyped = SharedArray.AttachUntyped(Name);
        untyped.SetValue((short)20, 1);
        using SharedArray<short> typed = untyped.As<short>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                (untyped.ElementType, untyped.ItemSize, untyped.GetValue(1), typed[1]),
                Is.EqualTo((typeof(short), 2, (short)20, (short)20)));
            Assert.That(untyped.Bytes.SequenceEqual(new byte[] { 1, 0, 20, 0, 3, 0 }), Is.True);
            Assert.That(
                () => untyped.As<ushort>(),
                Throws.InstanceOf<InvalidDataException>().With.Message.Contains("<i2").And.Message.Contains("<u2"));
            Assert.That(() => untyped.SetValue(20, 1), Throws.InstanceOf<InvalidCastException>());
        }
    }

    [Test]
    public void Text_and_bytes_are_exchanged_with_numpy()
    {
        using UntypedSharedArray text = SharedArray.Create(NameOf("U"), ArrayContent.Zeros("U5", 3));
        using UntypedSharedArray bytes = SharedArray.Create(NameOf("S"), ArrayContent.Zeros("S4", 2));
        text.SetValue("Grüße", 0);
        text.SetValue("🙂", 1);
        bytes.SetValue("ab"u8.ToArray(), 0);

        string seen = Python.Run(
            "t = np.load(sys.argv[1], mmap_mode='r+'); b = np.load(sys.argv[2], mmap_mode='r+'); "
                + "print(ascii(t.tolist()), b.tolist()); t[2] = 'numpy'; b[1] = b'\\x00y'",
            ShmPathOf(NameOf("U")), ShmPathOf(NameOf("S")));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen, Is.EqualTo("['Gr\\xfc\\xdfe', '\\U0001f642', ''] [b'ab', b'']"));
            Assert.That((text.GetValue(1), text.GetValue(2), text.ElementType), Is.EqualTo(("🙂", "numpy", (Type?)null)));
            Assert.That(bytes.GetValue(1), Is.EqualTo(new byte[] { 0, (byte)'y' }));
            Assert.That(() => text.SetValue("longer", 0), Throws.ArgumentException.With.Message.Contains("too many"));
            Assert.That(() => text.SetValue(1, 0), Throws.InstanceOf<InvalidCastException>());
            Assert.That(() => text.GetValue(3), Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => text.As<int>(), Throws.InstanceOf<InvalidDataException>());
            Assert.That(text.ToString(), Is.EqualTo("['Grüße' '🙂' 'numpy']"));
        }
    }

    [Test]
    public void Dates_and_the_other_byte_order_are_opened_as_they_are()
    {
        _ = Python.Run(
            "np.save(open(sys.argv[1], 'xb'), np.array(['1970-01-02'], dtype='M8[s]')); "
                + "np.save(open(sys.argv[2], 'xb'), np.array([258], dtype='>i2'))",
            ShmPathOf(NameOf("M")), ShmPathOf(NameOf("big")));
        using UntypedSharedArray dates = SharedArray.AttachUntyped(NameOf("M"));
        using UntypedSharedArray big = SharedArray.AttachUntyped(NameOf("big"));
        Assert.That((dates.DType, dates.GetValue(0)), Is.EqualTo(("<M8[s]", 86400L)));
        Assert.That((big.DType, big.ElementType), Is.EqualTo((">i2", (Type?)null)));
        Assert.That(big.GetValue(0), Is.EqualTo(new byte[] { 1, 2 }));
    }
}
