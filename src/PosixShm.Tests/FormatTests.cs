using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using PosixShm.Format;

namespace PosixShm.Tests;

/// <summary>The formats, on bytes alone.</summary>
internal sealed class FormatTests
{
    private static readonly ScalarType s_double = ScalarType.Native(ScalarType.FloatingPoint, 8);

    [Test]
    public void The_header_page_is_golden()
    {
        byte[] head = NewArray.Npy(s_double, [10], 1, "shape", TimeProvider.System).Head;
        Assert.That(head, Has.Length.EqualTo(4096));
        Assert.That(head[..10], Is.EqualTo(new byte[] { 0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, 0xF6, 0x0F }));
        Assert.That(Encoding.Latin1.GetString(head, 10, 4086), Is.EqualTo("{'descr': '<f8', 'fortran_order': False, 'shape': (10,), }".PadRight(4085) + "\n"));
    }

    [Test]
    public void The_control_page_is_golden()
    {
        byte[] page = new byte[ControlPage.Size];
        new ControlPage(0x1000, 80, new Guid("00112233-4455-6677-8899-aabbccddeeff"), 1_700_000_000_000_000_000, 4711, 5, 0x2000 + 2112).Write(page);

        byte[] expected = new byte[ControlPage.Size];
        "PSHMCTRL"u8.CopyTo(expected);
        BinaryPrimitives.WriteUInt32LittleEndian(expected.AsSpan(8), 1);
        new byte[] { 4, 3, 2, 1 }.CopyTo(expected, 12);
        BinaryPrimitives.WriteInt64LittleEndian(expected.AsSpan(16), 0x1000);
        BinaryPrimitives.WriteInt64LittleEndian(expected.AsSpan(24), 80);
        Convert.FromHexString("00112233445566778899AABBCCDDEEFF").CopyTo(expected, 32);
        BinaryPrimitives.WriteInt64LittleEndian(expected.AsSpan(48), 1_700_000_000_000_000_000);
        BinaryPrimitives.WriteInt32LittleEndian(expected.AsSpan(56), 4711);
        BinaryPrimitives.WriteInt32LittleEndian(expected.AsSpan(60), 5);
        BinaryPrimitives.WriteInt64LittleEndian(expected.AsSpan(64), 0x2000 + 2112);

        Assert.That(page, Is.EqualTo(expected));
        Assert.That(ControlPage.TryRead(page, 0x2000, out _), Is.EqualTo(new ControlPage(0x1000, 80, new Guid("00112233-4455-6677-8899-aabbccddeeff"), 1_700_000_000_000_000_000, 4711, 5, 0x2000 + 2112)));
    }

    [TestCase(0, 4096 + 4096)]
    [TestCase(1, 4096 + 4096 + 4096)]
    [TestCase(512, 4096 + 4096 + 4096)]
    [TestCase(513, 4096 + 8192 + 4096)]
    public void A_segment_is_header_elements_and_control_page_in_whole_pages(long length, long fileLength)
    {
        NewArray array = NewArray.Npy(s_double, [length], 1, "shape", TimeProvider.System);
        Assert.That(array.FileLength, Is.EqualTo(fileLength));
        ArrayHeader? read = ArrayHeader.TryRead(array.Head, array.Tail, array.FileLength, out string problem);
        Assert.That(read, Is.Not.Null, problem);
        Assert.That(read!.Control, Is.EqualTo(array.Header.Control));
        Assert.That((read.DataOffset, read.DataLength, read.Length), Is.EqualTo((4096L, length * 8, length)));
    }

    [TestCase(0, 2 * 4096, 4096 + 2112)]
    [TestCase(31, 2 * 4096, 4096 + 2112)]
    [TestCase(32, 3 * 4096, 4096)]
    [TestCase(65, 4 * 4096, 4096)]
    public void Many_locks_take_pages_before_the_control_page(int locks, long fileLength, long locksOffset)
    {
        NewArray array = NewArray.Npy(s_double, [0], locks, "shape", TimeProvider.System);
        Assert.That((array.FileLength, array.Header.Control!.Value.LocksOffset), Is.EqualTo((fileLength, locksOffset)));
        Assert.That(ArrayHeader.TryRead(array.Head, array.Tail, array.FileLength, out string problem), Is.Not.Null, problem);
    }

    [Test]
    public void A_header_that_needs_more_than_a_page_takes_two_and_then_version_2()
    {
        byte[] two = NpyHeader.Write(Struct(200), [3]);
        byte[] many = NpyHeader.Write(Struct(5000), [3]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((two.Length % 4096, two[6]), Is.EqualTo((0, (byte)1)));
            Assert.That((many.Length % 4096, many[6]), Is.EqualTo((0, (byte)2)));
            Assert.That(NpyHeader.TryRead(two, out _)?.Type, Is.EqualTo(Struct(200)));
            Assert.That(NpyHeader.TryRead(many, out _)?.Type, Is.EqualTo(Struct(5000)));
        }

        static StructType Struct(int fields)
            => new([.. Enumerable.Range(0, fields).Select(i => new Field($"field{i}", s_double, 8 * i))], 8 * fields);
    }

    [Test]
    public void No_mutation_of_a_byte_crashes_the_reader_or_reaches_beyond_the_file()
    {
        NewArray array = NewArray.Npy(s_double, [10], 1, "shape", TimeProvider.System);
        int refused = 0;
        int tried = 0;

        // The dictionary, and as much again of the spaces behind it; then the control page's fields.
        foreach ((byte[] bytes, int length) in new[] { (array.Head, 140), (array.Tail, 72) })
        {
            for (int i = 0; i < length; i++)
            {
                byte original = bytes[i];
                for (int value = 0; value < 256; value++)
                {
                    bytes[i] = (byte)value;
                    refused += ReadsSafely(array.Head, array.Tail, array.FileLength) ? 0 : 1;
                    tried++;
                }

                bytes[i] = original;
            }
        }

        Assert.That(tried, Is.EqualTo(212 * 256));
        Assert.That(refused, Is.GreaterThan(10_000));
        Assert.That(ReadsSafely(array.Head, array.Tail, array.FileLength), Is.True);
    }

    [Test]
    public void No_truncation_crashes_the_reader()
    {
        NewArray array = NewArray.Npy(s_double, [10], 1, "shape", TimeProvider.System);
        for (int size = 0; size <= array.Head.Length; size++)
        {
            Assert.That(ReadsSafely(array.Head.AsSpan(0, size), array.Head.AsSpan(0, size), size), Is.False);
        }
    }

    [TestCase("")]
    [TestCase("{}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (10,), 'more': 1}")]
    [TestCase("{'descr': '<f8', 'fortran_order': 0, 'shape': (10,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': 10}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (11,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904, 0)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': ('10',)}")]
    [TestCase("{'descr': '<f9', 'fortran_order': False, 'shape': (10,)}")]
    [TestCase("{'descr': '|O', 'fortran_order': False, 'shape': (10,)}")]
    [TestCase("{'descr': '', 'fortran_order': False, 'shape': (10,)}")]
    [TestCase("{'descr': [], 'fortran_order': False, 'shape': (10,)}")]
    [TestCase("{'descr': [('x',)], 'fortran_order': False, 'shape': (10,)}")]
    [TestCase("{'descr': [('x', '<f8'), ('x', '<f8')], 'fortran_order': False, 'shape': (1,)}")]
    [TestCase("{'descr': [('x', '<f8', (-1,))], 'fortran_order': False, 'shape': (1,)}")]
    [TestCase("{'descr': '|V2147483647', 'fortran_order': False, 'shape': (1,)}")]
    [TestCase("__import__('os').system('true')")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (10,), }}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (10,), ")]
    [TestCase("{'descr': '<f8\\ud800', 'fortran_order': False, 'shape': (10,)}")]
    public void A_wrong_dictionary_is_refused_with_a_reason(string dictionary)
    {
        Assert.That(Read(dictionary, 128 + 80, out string problem), Is.Null);
        Assert.That(problem, Is.Not.Empty);
    }

    [Test]
    public void A_deeply_nested_header_is_refused_and_does_not_overflow_the_stack()
    {
        string deep = string.Concat(Enumerable.Repeat("[('x', ", 60_000));
        byte[] header = [0x93, .. "NUMPY"u8, 2, 0, .. BitConverter.GetBytes(deep.Length), .. Encoding.Latin1.GetBytes(deep)];
        Assert.That(ArrayHeader.TryRead(header, header, header.Length, out _), Is.Null);
    }

    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (10,), }", "<f8", false, 10L)]
    [TestCase("{\"shape\":(10L,),\"fortran_order\":True,\"descr\":\"=f8\"}", "<f8", true, 10L)]
    [TestCase("{'descr': '>c16', 'fortran_order': False, 'shape': (2, 2)}", ">c16", false, 2L, 2L)]
    [TestCase("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", "|b1", false)]
    [TestCase("{'descr': '<U5', 'fortran_order': False, 'shape': (3,)}", "<U5", false, 3L)]
    [TestCase("{'descr': '|S10', 'fortran_order': False, 'shape': (3,)}", "|S10", false, 3L)]
    [TestCase("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (3,)}", "<M8[ns]", false, 3L)]
    [TestCase("{'descr': [('x', '<f4'), ('', '|V4'), ('m', '<i2', (2, 2))], 'fortran_order': False, 'shape': (3,)}",
        "[('x', '<f4'), ('', '|V4'), ('m', '<i2', (2, 2))]", false, 3L)]
    [TestCase("{'descr': [('p', [('x', '<f4'), ('y', '<f4')]), ('\\xe9\\'', '|u1')], 'fortran_order': False, 'shape': (3,)}",
        "[('p', [('x', '<f4'), ('y', '<f4')]), ('\\u00e9\\'', '|u1')]", false, 3L)]
    public void A_right_dictionary_is_read(string dictionary, string description, bool fortran, params long[] shape)
    {
        ArrayHeader? header = Read(dictionary, 1 << 20, out string problem);
        Assert.That(header, Is.Not.Null, problem);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(header!.Type.Description, Is.EqualTo(description));
            Assert.That(header.IsFortranOrder, Is.EqualTo(fortran));
            Assert.That(header.Shape, Is.EqualTo(shape));
        }
    }

    [Test]
    public void Any_text_as_a_dictionary_is_read_safely()
        => Prop.ForAll<string>(static text =>
        {
            byte[] header = Header(text ?? string.Empty);
            return ReadsSafely(header, header, header.Length) || true;
        }).QuickCheckThrowOnFailure();

    [Test]
    public void Any_shape_and_type_are_read_as_written()
    {
        Gen<ImmutableArray<long>> shapes = Gen.ListOf(Gen.Choose(0, 9)).Select(list => list.Take(10).Select(i => (long)i).ToImmutableArray());
        Gen<string> types = Gen.Elements("|b1", "<i2", "<f8", "<c16", "|S3", "<U2", "|V7", "<m8[us]");
        Prop.ForAll(shapes.ToArbitrary(), types.ToArbitrary(), static (shape, text) =>
        {
            NewArray array = NewArray.Npy(ScalarType.TryParse(text)!, shape.AsSpan(), 1, "shape", TimeProvider.System);
            ArrayHeader? read = ArrayHeader.TryRead(array.Head, array.Tail, array.FileLength, out _);
            return read is not null && read.Shape.SequenceEqual(shape) && read.Type == array.Header.Type && read.Control == array.Header.Control;
        }).QuickCheckThrowOnFailure();
    }

    [Test]
    public void Elements_cannot_forge_a_control_page()
    {
        // An .npy file of somebody else whose last elements look like one.
        byte[] head = NpyHeader.Write(ScalarType.Native(ScalarType.UnsignedInteger, 1), [8192]);
        byte[] tail = new byte[ControlPage.Size];
        new ControlPage(0, 1 << 30, Guid.Empty, 0, 0, 1, 0).Write(tail);
        ArrayHeader? read = ArrayHeader.TryRead(head, tail, 4096 + 8192, out _);
        Assert.That(read, Is.Not.Null);
        Assert.That(read!.Control, Is.Null);
    }

    [Test]
    public void A_control_page_that_contradicts_the_header_is_damage()
    {
        NewArray array = NewArray.Npy(s_double, [10], 1, "shape", TimeProvider.System);
        (array.Header.Control!.Value with { DataLength = 88 }).Write(array.Tail);
        Assert.That(ArrayHeader.TryRead(array.Head, array.Tail, array.FileLength, out string problem), Is.Null);
        Assert.That(problem, Does.Contain("contradict"));
    }

    [TestCase(12, "other byte order", 1, 2, 3, 4)]
    [TestCase(12, "damaged", 0, 0, 0, 0)]
    [TestCase(8, "version 2", 2, 0, 0, 0)]
    public void A_control_page_of_another_machine_or_version_is_refused_by_name(int offset, string reason, params int[] bytes)
    {
        NewArray array = NewArray.Npy(s_double, [10], 1, "shape", TimeProvider.System);
        bytes.Select(value => (byte)value).ToArray().CopyTo(array.Tail, offset);
        Assert.That(ArrayHeader.TryRead(array.Head, array.Tail, array.FileLength, out string problem), Is.Null);
        Assert.That(problem, Does.Contain(reason));
    }

    // Whatever the bytes are: a header that fits the file, or a reason.
    private static bool ReadsSafely(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long fileSize)
    {
        ArrayHeader? header = ArrayHeader.TryRead(head, tail, fileSize, out string problem);
        if (header is null)
        {
            Assert.That(problem, Is.Not.Empty);
            return false;
        }

        Assert.That(header.DataOffset, Is.InRange(0, fileSize));
        Assert.That(header.DataLength, Is.InRange(0, fileSize - header.DataOffset));
        Assert.That(header.Length * header.Type.Size, Is.EqualTo(header.DataLength));
        return true;
    }

    private static ArrayHeader? Read(string dictionary, long fileSize, out string problem)
    {
        byte[] header = Header(dictionary);
        return ArrayHeader.TryRead(header, header, fileSize, out problem);
    }

    private static byte[] Header(string dictionary)
    {
        byte[] text = Encoding.Latin1.GetBytes(dictionary.PadRight(117) + "\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)text.Length, (byte)(text.Length >> 8), .. text];
    }
}
