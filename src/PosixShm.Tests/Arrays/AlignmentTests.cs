namespace PosixShm.Tests;

/// <summary>Elements of foreign files that are not aligned.</summary>
internal sealed class AlignmentTests : NamedTest
{
    private struct Mixed
    {
        public byte Small;
        public int Number;
    }

    [Test]
    public void Elements_that_are_not_aligned_are_refused_with_the_reason_and_the_way_to_read_them()
    {
        Write("np.arange(5) + 0.5");
        Assert.That(
            () => SharedArray.Attach<double>(Name),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains(Name).And.Message.Contains("multiple of 8")
                .And.Message.Contains("SharedArray.AttachUntyped"));
        Assert.That(() => SharedArray.AttachReadOnly<double>(Name), Throws.InstanceOf<InvalidDataException>());
        Assert.That(() => SharedArray.AttachCopyOnWrite<double>(Name), Throws.InstanceOf<InvalidDataException>());
        Assert.That(() => SharedArray.CreateOrAttach<double>(Name, 5), Throws.InstanceOf<InvalidDataException>());

        using UntypedSharedArray array = SharedArray.AttachUntyped(Name);
        Assert.That(array, Is.Not.InstanceOf<SharedArray<double>>());
        Assert.That(array.ElementType, Is.EqualTo(typeof(double)));
        Assert.That(array.GetValue(4), Is.EqualTo(4.5));
        Assert.That(array.GetText(4), Is.EqualTo("4.5"));
        Assert.That(array.ToString(), Is.EqualTo("[0.5 1.5 2.5 3.5 4.5]"));
        Assert.That(() => array.As<double>(), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("SharedArray.AttachUntyped"));
        Assert.That(() => array.SetValue("text", 0), Throws.InstanceOf<InvalidCastException>());

        array.SetValue(7, 3);
        Assert.That(array.GetValue(3), Is.EqualTo(7.0));
        Assert.That(() => array.SetValue(null!, 0), Throws.ArgumentNullException);
        Assert.That(() => array.SetValue(1m, 0), Throws.InstanceOf<InvalidCastException>());

        array.SetValue(7.25, 4);
        Assert.That(Python.Run("print(np.load(sys.argv[1])[4])", ShmPath), Is.EqualTo("7.25"));
    }

    [TestCase("np.arange(4, dtype='i2')", "2", (short)3)]
    [TestCase("np.arange(4, dtype='i4')", "4", 3)]
    [TestCase("np.arange(4, dtype='f2')", "2", null)]
    [TestCase("np.arange(4, dtype='c8')", "4", null)]
    [TestCase("np.arange(4, dtype='c16')", "8", null)]
    [TestCase("np.zeros(4, np.dtype([('Small', 'u1'), ('Number', '<i4')], align=True))", "4", null)]
    public void Each_element_type_has_its_own_alignment(string array, string alignment, object? last)
    {
        Write(array);
        Action attach = alignment switch
        {
            "2" when last is null => () => SharedArray.Attach<Half>(Name),
            "2" => () => SharedArray.Attach<short>(Name),
            "4" when array.Contains("c8", StringComparison.Ordinal) => () => SharedArray.Attach<Complex64>(Name),
            "4" when last is null => () => SharedArray.Attach<Mixed>(Name),
            "4" => () => SharedArray.Attach<int>(Name),
            _ => () => SharedArray.Attach<System.Numerics.Complex>(Name),
        };
        Assert.That(attach, Throws.InstanceOf<InvalidDataException>().With.Message.Contains($"multiple of {alignment}:"));
        using UntypedSharedArray opened = SharedArray.AttachUntyped(Name, SharedArrayAccess.ReadOnly);
        Assert.That(last is null || opened.GetValue(3).Equals(last), Is.True);
    }

    [Test]
    public void Bytes_and_aligned_elements_attach_wherever_they_start()
    {
        Write("np.arange(5, dtype='u1')");
        using SharedArray<byte> bytes = SharedArray.Attach<byte>(Name);
        Assert.That(bytes[4], Is.EqualTo(4));
    }

    [Test]
    public void A_raw_attachment_at_an_odd_offset_is_refused()
    {
        File.WriteAllBytes(ShmPath, new byte[4096]);
        Assert.That(
            () => SharedArray.AttachRaw<int>(Name, [10], 2),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("multiple of 4").And.Message.Contains("AttachRaw<byte>"));
        using SharedArray<int> aligned = SharedArray.AttachRaw<int>(Name, [10], 4);
        using SharedArray<byte> bytes = SharedArray.AttachRaw<byte>(Name, [10], 3);
        using SharedArray<Guid> guids = SharedArray.AttachRaw<Guid>(Name, [10], 3);
        Assert.That(aligned.Length + bytes.Length + guids.Length, Is.EqualTo(30));
    }

    [Test]
    public void A_view_as_another_type_whose_elements_would_not_be_aligned_is_refused()
    {
        File.WriteAllBytes(ShmPath, new byte[4096]);
        using SharedArray<byte> bytes = SharedArray.AttachRaw<byte>(Name, [96], 4);
        Assert.That(
            () => _ = bytes.View<double>(),
            Throws.InvalidOperationException.With.Message.Contains("multiple of 8").And.Message.Contains(Name));
        Assert.That(() => _ = bytes.View<Mixed>(), Throws.Nothing);
        Assert.That(bytes.View<int>().FlattenedLength, Is.EqualTo((nint)24));
        Write("np.zeros(16, 'u1')");
        using ReadOnlySharedArray<byte> foreign = SharedArray.AttachReadOnly<byte>(Name);
        Assert.That(() => _ = foreign.View<short>(), Throws.InvalidOperationException.With.Message.Contains("multiple of 2"));
    }

    // A header of an odd length, which the format allows and numpy reads.
    private void Write(string array) => _ = Python.Run(
        """
        a = eval(sys.argv[2])
        header = repr({"descr": np.lib.format.dtype_to_descr(a.dtype), "fortran_order": False, "shape": a.shape}) + "\n"
        header = header if (10 + len(header)) % 2 else " " + header
        open(sys.argv[1], "wb").write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + a.tobytes())
        """, ShmPath, array);
}
