using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm.Tests;

/// <summary>The format of Python's SharedArray package as bytes, without files.</summary>
internal sealed class PythonSharedArrayFormatTests
{
    private const int Numpy1 = 292;
    private const int Numpy2 = 548;
    private const int TypeNumber = 24;
    private const int ItemSize = 28;
    private const int Rank = 32;
    private const int Dimensions = 36;

    private static readonly ScalarType s_double = ScalarType.Native(ScalarType.FloatingPoint, 8);

    [TestCase("f8_10", "<f8", 10)]
    [TestCase("i2_2x3", "<i2", 2, 3)]
    [TestCase("bool_5", "|b1", 5)]
    [TestCase("c16_3", "<c16", 3)]
    [TestCase("f8_scalar", "<f8")]
    [TestCase("f4_3x4x5", "<f4", 3, 4, 5)]
    [TestCase("i4_empty", "<i4", 0)]
    [TestCase("u8_7", "<u8", 7)]
    public void The_double_trailer_is_that_of_both_builds_byte_for_byte(string array, string type, params long[] shape)
    {
        (byte[] numpy1, byte[] numpy2) = PythonSharedArrayFixtures.Both(array);
        byte[] golden = [.. numpy2[^Numpy2..^Numpy1], .. numpy1[^Numpy1..]];

        ScalarType element = ScalarType.TryParse(type)!;
        long bytes = shape.Aggregate(element.Size, static (size, dimension) => size * dimension);
        Assert.That(PythonSharedArrayFormat.Instance.WriteTail(element, shape, bytes), Is.EqualTo(golden));
    }

    [TestCase(0, 4096 + 548)]
    [TestCase(1, 4096 + 4096 + 548)]
    [TestCase(512, 4096 + 4096 + 548)]
    [TestCase(513, 8192 + 4096 + 548)]
    public void A_segment_is_elements_control_page_and_trailer(long length, long fileLength)
    {
        NewArray array = New(s_double, [length]);
        Assert.That((array.FileLength, array.Head.Length, array.Tail.Length), Is.EqualTo((fileLength, 0, 548)));
        Assert.That((ControlPage.HasWord(array.Page), array.Place.Offset), Is.EqualTo((true, fileLength - 548 - 4096)));

        ArrayHeader? read = ArrayHeader.TryRead([], array.Tail, array.FileLength, out string problem);
        Assert.That(read, Is.Not.Null, problem);
        Assert.That(
            (read!.Layout, read.DataOffset, read.DataLength, read.End),
            Is.EqualTo((ArrayLayout.PythonSharedArray, 0L, length * 8, fileLength)));
        Assert.That(BytesOfFile.FindPage(BytesOf(array), read, fileLength), Is.EqualTo(array.Place));
    }

    [TestCase(31, 2 * 4096 + 548)]
    [TestCase(32, 3 * 4096 + 548)]
    [TestCase(65, 4 * 4096 + 548)]
    public void Many_locks_take_pages_between_the_control_page_and_the_trailer(int locks, long fileLength)
    {
        NewArray array = New(s_double, [1], locks);
        Assert.That(array.FileLength, Is.EqualTo(fileLength));
        ArrayHeader? read = ArrayHeader.TryRead([], array.Tail, array.FileLength, out string problem);
        Assert.That(read, Is.Not.Null, problem);
        PagePlace? place = BytesOfFile.FindPage(BytesOf(array), read!, fileLength);
        Assert.That((place, place?.LockCount), Is.EqualTo(((PagePlace?)array.Place, (int?)locks)));
    }

    [Test]
    public void Any_shape_and_type_are_read_as_written()
    {
        Gen<ImmutableArray<long>> shapes = Gen.ListOf(Gen.Choose(0, 5)).Select(
            list => list.Take(27).Select(i => (long)Math.Min(i, 2)).ToImmutableArray());
        Gen<string> types = Gen.Elements(
            "|b1",
            "|i1",
            "|u1",
            "<i2",
            "<u2",
            "<i4",
            "<u4",
            "<i8",
            "<u8",
            "<f2",
            "<f4",
            "<f8",
            "<f16",
            "<c8",
            "<c16",
            "<c32",
            "|S3",
            "<U2",
            "|V7",
            "<m8",
            "<M8");
        Prop.ForAll(shapes.ToArbitrary(), types.ToArbitrary(), static (shape, text) =>
        {
            NewArray array = New(ScalarType.TryParse(text)!, shape.AsSpan());
            ArrayHeader? read = ArrayHeader.TryRead([], array.Tail, array.FileLength, out _);
            ArrayHeader? onlyNumpy2 = ArrayHeader.TryRead([], Without(array.Tail, Numpy1), array.FileLength, out _);
            ArrayHeader? onlyNumpy1 = ArrayHeader.TryRead([], Without(array.Tail, Numpy2), array.FileLength, out _);
            return new[] { read, onlyNumpy1, onlyNumpy2 }.All(
                    header => header is not null
                        && header.Shape.SequenceEqual(shape) && header.Type == array.Header.Type
                        && header.DataLength == array.Header.DataLength)
                && BytesOfFile.FindPage(BytesOf(array), read!, array.FileLength) == array.Place;
        }).QuickCheckThrowOnFailure();

        // The file as the other build reads it.
        static byte[] Without(byte[] tail, int trailer)
        {
            byte[] copy = [.. tail];
            copy[^trailer] = 0;
            return copy;
        }
    }

    [Test]
    public void Arrays_of_more_than_27_dimensions_are_refused_with_the_reason()
    {
        long[] most = [.. Enumerable.Repeat(1L, 27)];
        Assert.That(New(s_double, most).Header.Shape, Is.EqualTo(most));
        Assert.That(
            () => New(s_double, [.. most, 1]),
            Throws.ArgumentException.With.Message.Contains("at most 27 dimensions, not 28"));
        Assert.That(() => New(s_double, new long[65]), Throws.ArgumentException);
    }

    [TestCase(">f8")]
    public void A_type_without_a_number_is_not_created(string type)
        => Assert.That(() => New(ScalarType.TryParse(type)!, [1]), Throws.InstanceOf<NotSupportedException>().With.Message.Contains(type));

    [TestCase(9, 8, "<i8")]
    [TestCase(10, 8, "<u8")]
    [TestCase(13, 16, "<f16")]
    [TestCase(16, 32, "<c32")]
    [TestCase(18, 5, "|S5")]
    [TestCase(19, 12, "<U3")]
    [TestCase(20, 24, "|V24")]
    [TestCase(21, 8, "<M8")]
    [TestCase(22, 8, "<m8")]
    [TestCase(23, 2, "<f2")]
    public void Every_type_number_is_read(int number, int itemSize, string type)
    {
        ArrayHeader? read = ReadOne(Numpy1, 4 * itemSize, trailer => Describe(trailer, number, itemSize, 4), out string problem);
        Assert.That(read?.Type.Description, Is.EqualTo(type), problem);
    }

    [TestCase(17, 8, "Python objects")]
    [TestCase(2056, 16, "StringDType")]
    [TestCase(24, 8, "type number 24 is not known")]
    [TestCase(-1, 8, "type number -1 is not known")]
    [TestCase(12, 0, "do not have 0 bytes")]
    [TestCase(12, 4, "type number 12 do not have 4 bytes")]
    [TestCase(12, -8, "do not have -8 bytes")]
    [TestCase(18, 0, "do not have 0 bytes")]
    [TestCase(18, int.MinValue, "do not have -2147483648 bytes")]
    [TestCase(19, 7, "do not have 7 bytes")]
    public void Impossible_type_is_refused_by_name(int number, int itemSize, string reason)
    {
        foreach (int length in (int[])[Numpy1, Numpy2])
        {
            Assert.That(ReadOne(length, 4096, trailer => Describe(trailer, number, itemSize, 4), out string problem), Is.Null);
            Assert.That(problem, Does.Contain(reason));
        }
    }

    [TestCase(1000)]
    [TestCase(-1)]
    [TestCase(int.MinValue)]
    [TestCase(65)]
    public void Impossible_dimensions_are_refused(int rank)
    {
        foreach (int length in (int[])[Numpy1, Numpy2])
        {
            Assert.That(
                ReadOne(length, 80, trailer => BinaryPrimitives.WriteInt32LittleEndian(trailer[Rank..], rank), out string problem),
                Is.Null);
            Assert.That(problem, Does.Contain($"{rank} dimensions"));
        }
    }

    [TestCase(-1L)]
    [TestCase(long.MinValue)]
    [TestCase(long.MaxValue)]
    [TestCase(11L)]
    [TestCase(9L)]
    [TestCase(1L << 61)]
    public void A_dimension_that_does_not_fit_is_refused(long dimension)
    {
        foreach (int length in (int[])[Numpy1, Numpy2])
        {
            Assert.That(
                ReadOne(
                    length, 80, trailer => BinaryPrimitives.WriteInt64LittleEndian(trailer[Dimensions..], dimension), out string problem),
                Is.Null);
            Assert.That(problem, Does.Contain("truncated or damaged"));
        }
    }

    [Test]
    public void A_shape_that_overflows_is_refused_with_a_zero_in_it_too()
    {
        Assert.That(ReadOne(Numpy1, 80, trailer => Overflow(trailer, 0), out _), Is.Null);
        Assert.That(ReadOne(Numpy1, 80, trailer => Overflow(trailer, 1), out _), Is.Null);

        static void Overflow(Span<byte> trailer, long last)
        {
            Describe(trailer, 12, 8, 1L << 32, 1L << 32, last);
            trailer[16..24].Clear();
        }
    }

    [Test]
    public void No_mutation_of_a_byte_crashes_the_reader_or_reaches_beyond_the_file()
    {
        (byte[] numpy1, byte[] numpy2) = PythonSharedArrayFixtures.Both("f4_3x4x5");
        NewArray ours = New(ScalarType.Native(ScalarType.FloatingPoint, 4), [3, 4, 5]);
        byte[] whole = BytesOf(ours).Bytes.ToArray();
        (int tried, int refused) = (0, 0);

        // The trailers, and the part of the page that an attachment reads.
        (byte[], IEnumerable<int>)[] files =
        [
            (numpy1, LastOf(numpy1, Numpy1)),
            (numpy2, LastOf(numpy2, Numpy2)),
            (whole, Enumerable.Range(4096, 12).Concat(LastOf(whole, Numpy2))),
        ];
        foreach ((byte[] bytes, IEnumerable<int> places) in files)
        {
            foreach (int i in places)
            {
                byte original = bytes[i];
                for (int value = 0; value < 256; value++)
                {
                    bytes[i] = (byte)value;
                    refused += ((BytesOfFile)bytes).ReadsSafely() ? 0 : 1;
                    tried++;
                }

                bytes[i] = original;
            }

            Assert.That(((BytesOfFile)bytes).ReadsSafely(), Is.True);
        }

        Assert.That(tried, Is.EqualTo((Numpy1 + Numpy2 + 12 + Numpy2) * 256));
        Assert.That(refused, Is.GreaterThan(30_000));
        TestContext.Out.WriteLine($"{tried} mutations, {refused} refused");

        static IEnumerable<int> LastOf(byte[] bytes, int count) => Enumerable.Range(bytes.Length - count, count);
    }

    [Test]
    public void Mutated_fields_are_refused_or_change_nothing()
    {
        // All fields but the unused dimensions: a changed byte is refused, or does not change the elements.
        byte[] file = PythonSharedArrayFixtures.Both("i2_2x3").Numpy1;
        int trailer = file.Length - Numpy1;
        ArrayHeader whole = ArrayHeader.TryRead(file, file, file.Length, out _)!;
        for (int i = trailer; i < trailer + Dimensions + 16; i++)
        {
            byte original = file[i];
            for (int value = 0; value < 256; value++)
            {
                file[i] = (byte)value;
                ArrayHeader? read = ArrayHeader.TryRead(file, file, file.Length, out _);
                Assert.That(read is null || read.DataLength == whole.DataLength, Is.True, $"byte {i - trailer} is {value}");
            }

            file[i] = original;
        }
    }

    [Test]
    public void No_combination_of_fields_crashes_the_reader()
    {
        Gen<int> integers = Gen.OneOf(Gen.Choose(-3, 70), Gen.Elements(int.MinValue, int.MaxValue, 1000, 2056, 1 << 30));
        Gen<long> longs = Gen.OneOf(
            Gen.Choose(-3, 70).Select(i => (long)i),
            Gen.Elements(long.MinValue, long.MaxValue, 1L << 32, 1L << 61, 1L << 62, -(1L << 62), 4096));
        Gen<(long Size, int[] Integers, long[] Dimensions)> trailers =
            longs.SelectMany(
                size => Gen.ArrayOf(integers, 3).SelectMany(
                    numbers => Gen.ArrayOf(longs, 64).Select(dimensions => (size, numbers, dimensions))));
        Config config = Config.QuickThrowOnFailure.WithMaxTest(3000);

        Prop.ForAll(trailers.Two().ToArbitrary(), Gen.Choose(0, 600).ToArbitrary(), static (pair, dataLength) =>
        {
            byte[] file = new byte[dataLength + Numpy2];
            Write(file.AsSpan(dataLength), pair.Item1, 64);
            _ = ((BytesOfFile)file).ReadsSafely();
            Write(file.AsSpan(dataLength + Numpy2 - Numpy1), pair.Item2, 32);
            _ = ((BytesOfFile)file).ReadsSafely();
            _ = ((BytesOfFile)file[^Numpy1..]).ReadsSafely();
            return true;
        }).Check(config);

        static void Write(Span<byte> trailer, (long Size, int[] Integers, long[] Dimensions) fields, int most)
        {
            "[SharedArray]\0\0\0"u8.CopyTo(trailer);
            BinaryPrimitives.WriteInt64LittleEndian(trailer[16..], fields.Size);
            for (int i = 0; i < 3; i++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(trailer[(24 + (4 * i))..], fields.Integers[i]);
            }

            for (int i = 0; i < most; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(trailer[(Dimensions + (8 * i))..], fields.Dimensions[i]);
            }
        }
    }

    [Test]
    public void No_truncation_crashes_the_reader()
    {
        (byte[] numpy1, byte[] numpy2) = PythonSharedArrayFixtures.Both("f4_3x4x5");
        foreach (byte[] file in (byte[][])[numpy1, numpy2])
        {
            for (int size = 0; size < file.Length; size++)
            {
                // The trailer of numpy 2 without its unused dimensions is that of numpy 1.
                bool isOther = file == numpy2 && size == numpy1.Length;
                Assert.That(new BytesOfFile(file.AsMemory(0, size), size).ReadsSafely(), Is.EqualTo(isOther), $"{size} bytes");
                _ = new BytesOfFile(file.AsMemory(0, size), file.Length, IsCut: true).ReadsSafely();
            }
        }

        Assert.That(numpy2.AsSpan(0, numpy1.Length).SequenceEqual(numpy1), Is.True);
    }

    [TestCase(Dimensions, 5, "contradict")]
    [TestCase(TypeNumber, 7, "contradict")]
    [TestCase(ItemSize, 9, "do not have 9 bytes")]
    public void Two_trailers_that_disagree_are_damage(int offset, byte value, string reason)
    {
        foreach (int trailer in (int[])[Numpy1, Numpy2])
        {
            NewArray array = New(s_double, [1, 4]);
            array.Tail[array.Tail.Length - trailer + offset] = value;
            if (offset == Dimensions)
            {
                // The bytes are the same, and only the shapes differ.
                array.Tail[array.Tail.Length - trailer + Dimensions] = 4;
                array.Tail[array.Tail.Length - trailer + Dimensions + 8] = 1;
            }

            Assert.That(ArrayHeader.TryRead([], array.Tail, array.FileLength, out string problem), Is.Null);
            Assert.That(problem, Does.Contain(reason));
        }
    }

    [Test]
    public void Elements_cannot_forge_the_longer_trailer()
    {
        // The last elements of an array by numpy 1 have the bytes of a trailer of numpy 2.
        byte[] file = new byte[1024 + Numpy1];
        Describe(file.AsSpan(1024), 2, 1, 1024);
        Describe(file.AsSpan(file.Length - Numpy2), 12, 8, 4);
        ArrayHeader? read = ArrayHeader.TryRead(file, file, file.Length, out string problem);
        Assert.That(read?.Type.Description, Is.EqualTo("|u1"), problem);
        Assert.That(read!.DataLength, Is.EqualTo(1024));
    }

    [TestCase(8192, 0, false)]
    [TestCase(8191, 0, false)]
    [TestCase(8192, 4095, false)]
    [TestCase(8192, 4096, true)]
    [TestCase(8191, 4097, true)]
    public void A_page_is_only_where_there_is_room_between_elements_and_trailer(int elements, int gap, bool hasPage)
    {
        // An array by numpy 2 whose elements are forged words, with some bytes between elements and trailer.
        byte[] file = new byte[elements + gap + Numpy2];
        for (int place = 0; place + 12 <= elements + gap; place += 64)
        {
            ControlPage.Write(1).CopyTo(file, place);
        }

        Describe(file.AsSpan(elements + gap), 2, 1, elements);
        ArrayHeader? read = ArrayHeader.TryRead(file, file, file.Length, out string problem);
        Assert.That(read, Is.Not.Null, problem);
        PagePlace? found = BytesOfFile.FindPage((BytesOfFile)file, read!, file.Length);
        Assert.That(found, Is.EqualTo(hasPage ? new PagePlace(elements, 0) : (PagePlace?)null), "no lock can be behind the page");
    }

    [Test]
    public void A_shape_that_reaches_into_the_control_page_or_the_trailer_leaves_no_room_for_a_page()
    {
        // The trailers were changed meanwhile: the page is no longer behind the elements.
        NewArray array = New(s_double, [512]);
        byte[] file = BytesOf(array).Bytes.ToArray();
        Describe(file.AsSpan(file.Length - Numpy2), 12, 8, 513);
        Describe(file.AsSpan(file.Length - Numpy1), 12, 8, 513);
        ArrayHeader? read = ArrayHeader.TryRead(file, file, file.Length, out string problem);
        Assert.That(read, Is.Not.Null, problem);
        Assert.That(BytesOfFile.FindPage((BytesOfFile)file, read!, file.Length), Is.Null);

        // It cannot overlap the trailer.
        long into = (array.FileLength - Numpy2 + 8) / 8;
        Describe(file.AsSpan(file.Length - Numpy2), 12, 8, into);
        Describe(file.AsSpan(file.Length - Numpy1), 12, 8, into);
        file[^Numpy1] = 0;
        Assert.That(ArrayHeader.TryRead(file, file, file.Length, out _), Is.Null);
    }

    [Test]
    public void An_npy_file_as_elements_is_elements()
    {
        byte[] npy = NpyFile(s_double, 10);
        foreach (int length in (int[])[Numpy1, Numpy2])
        {
            byte[] file = [.. npy, .. new byte[length]];
            Describe(file.AsSpan(npy.Length), 2, 1, npy.Length);
            ArrayHeader? read = ArrayHeader.TryRead(file, file, file.Length, out string problem);
            Assert.That((read?.Layout, read?.DataLength), Is.EqualTo((ArrayLayout.PythonSharedArray, (long)npy.Length)), problem);
        }
    }

    [Test]
    public void A_SharedArray_file_as_elements_of_an_npy_file_is_elements()
    {
        // np.save of the bytes of an array by the package: the trailer lies in the elements.
        byte[] inner = PythonSharedArrayFixtures.Both("f4_3x4x5").Numpy1;
        byte[] file = [.. NpyHeader.Write(ScalarType.Native(ScalarType.UnsignedInteger, 1), [inner.Length]), .. inner];
        Assert.That(((BytesOfFile)file).TryReadHeader(out string problem)?.Layout, Is.EqualTo(ArrayLayout.Npy), problem);
        Assert.That(ArrayHeader.TryRead(file, file, file.Length, out problem)?.DataLength, Is.EqualTo(inner.Length), problem);

        // Behind the elements, it is the description of the whole file.
        byte[] longer = [.. file[..^inner.Length], .. new byte[inner.Length], .. inner];
        Assert.That(((BytesOfFile)longer).TryReadHeader(out problem)?.Layout, Is.EqualTo(ArrayLayout.PythonSharedArray), problem);
    }

    [Test]
    public void A_damaged_trailer_beyond_the_elements_of_an_npy_file_is_damage_and_does_not_let_them_take_over()
    {
        byte[] npy = NpyFile(s_double, 10);
        byte[] file = [.. npy, .. new byte[Numpy1]];
        Describe(file.AsSpan(npy.Length), 2, 1, npy.Length + 1);
        Assert.That(ArrayHeader.TryRead(file, file, file.Length, out string problem), Is.Null);
        Assert.That(problem, Does.Contain("truncated or damaged"));
    }

    [TestCase(160)]
    [TestCase(288)]
    public void A_trailer_of_an_older_version_is_refused_with_the_reason(int length)
    {
        byte[] file = new byte[512 + length];
        Encoding.ASCII.GetBytes("[SharedArray]").CopyTo(file, 512);
        Assert.That(ArrayHeader.TryRead(file, file, file.Length, out string problem), Is.Null);
        Assert.That(problem, Does.Contain("before 3.1.0"));
        Assert.That(ArrayHeader.IsRecognised(file, file), Is.True);
    }

    [Test]
    public void A_description_before_the_elements_is_refused_as_an_older_versions()
    {
        byte[] file = [.. "[SharedArray]\0\0\0"u8, .. new byte[1000]];
        Assert.That(ArrayHeader.TryRead(file, file, file.Length, out string problem), Is.Null);
        Assert.That(problem, Does.Contain("older version").And.Contain("before the elements"));
        Assert.That(ArrayHeader.IsRecognised(file, file), Is.True);
    }

    private static NewArray New(DType type, ReadOnlySpan<long> shape, int locks = 1)
        => NewArray.Create(ArrayLayout.PythonSharedArray, type, shape, locks, needsPage: false, "shape");

    // The file that the library writes for a new array.
    private static BytesOfFile BytesOf(NewArray array)
    {
        byte[] file = new byte[array.FileLength];
        array.Page.CopyTo(file, array.Place.Offset);
        array.Tail.CopyTo(file, file.Length - array.Tail.Length);
        return file;
    }

    private static byte[] NpyFile(ScalarType type, long length) => [.. NpyHeader.Write(type, [length]), .. new byte[type.Size * length]];

    private static ArrayHeader? ReadOne(int trailerLength, int dataLength, Changer change, out string problem)
    {
        byte[] file = new byte[dataLength + trailerLength];
        Describe(file.AsSpan(dataLength), 12, 8, dataLength / 8);
        change(file.AsSpan(dataLength));
        return ArrayHeader.TryRead(file, file, file.Length, out problem);
    }

    private delegate void Changer(Span<byte> trailer);

    private static void Describe(Span<byte> trailer, int number, int itemSize, params ReadOnlySpan<long> shape)
    {
        "[SharedArray]\0\0\0"u8.CopyTo(trailer);
        long size = itemSize;
        BinaryPrimitives.WriteInt32LittleEndian(trailer[TypeNumber..], number);
        BinaryPrimitives.WriteInt32LittleEndian(trailer[ItemSize..], itemSize);
        BinaryPrimitives.WriteInt32LittleEndian(trailer[Rank..], shape.Length);
        for (int i = 0; i < shape.Length; i++)
        {
            size *= shape[i];
            BinaryPrimitives.WriteInt64LittleEndian(trailer[(Dimensions + (8 * i))..], shape[i]);
        }

        BinaryPrimitives.WriteInt64LittleEndian(trailer[16..], size);
    }
}
