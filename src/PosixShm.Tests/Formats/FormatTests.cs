using System.Collections.Immutable;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm.Tests;

/// <summary>The formats as bytes, without files.</summary>
internal sealed class FormatTests
{
    private const long Exbibyte = 1L << 60;

    private static readonly ScalarType s_double = ScalarType.Native(ScalarType.FloatingPoint, 8);
    private static readonly ScalarType s_byte = ScalarType.Native(ScalarType.UnsignedInteger, 1);

    [Test]
    public void The_header_is_golden()
    {
        NewArray array = New([10]);
        Assert.That((array.Head.Length, array.Page.Length, array.Tail.Length, array.FileLength), Is.EqualTo((128, 0, 0, 208L)));
        Assert.That(array.Head[..10], Is.EqualTo(new byte[] { 0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, 118, 0 }));
        Assert.That(
            Encoding.Latin1.GetString(array.Head, 10, 118),
            Is.EqualTo("{'descr': '<f8', 'fortran_order': False, 'shape': (10,), }".PadRight(117) + "\n"));
    }

    [Test]
    public void The_control_page_is_golden()
    {
        Assert.That(ControlPage.Write(40), Is.EqualTo(new byte[] { 2, 0, (byte)'P', (byte)'S', (byte)'H', (byte)'M', 2, 1, 40, 0, 0, 0 }));
        Assert.That((ControlPage.LockCountOffset, ControlPage.FeaturesOffset, ControlPage.SlotsOffset), Is.EqualTo((8, 12, 256)));
        Assert.That((ControlPage.EventOffset, ControlPage.FirstLockOffset, ControlPage.Size), Is.EqualTo((2048, 2112, 4096)));
        Assert.That(
            (ControlPage.SlotCount, ControlPage.LocksInPage, ControlPage.LineSize, ControlPage.MaxLocks),
            Is.EqualTo((448, 31, 64, 1 << 20)));
        Assert.That(ControlPage.SlotsOffset + (sizeof(int) * ControlPage.SlotCount), Is.EqualTo(ControlPage.EventOffset));
        Assert.That(ControlPage.FirstLockOffset + (ControlPage.LineSize * ControlPage.LocksInPage), Is.EqualTo(ControlPage.Size));
    }

    [TestCase(0, 128, 4096)]
    [TestCase(10, 208, 4096)]
    [TestCase(496, 4096, 4096)]
    [TestCase(497, 4104, 8192)]
    public void A_segment_is_header_and_elements_and_the_page_has_its_place_behind_them(long length, long fileLength, long page)
    {
        NewArray array = New([length]);
        PagePlace place = array.Place;
        Assert.That((array.FileLength, place.End, place.Offset), Is.EqualTo((fileLength, fileLength, page)));
        Assert.That(
            (place.PageEnd, place.LocksEnd, place.FirstLock, place.LockCount), Is.EqualTo((page + 4096, page + 4096, page + 2112, 31)));

        // The place does not depend on the bytes behind the elements.
        foreach (int more in (int[])[0, 1, 4095, 4096, 8192, 20_000])
        {
            BytesOfFile file = BytesOf(array, more);
            ArrayHeader? read = file.TryReadHeader(out string problem);
            Assert.That(read, Is.Not.Null, problem);
            Assert.That((read!.DataOffset, read.DataLength, read.Length, read.End), Is.EqualTo((128L, length * 8, length, fileLength)));
            Assert.That(BytesOfFile.FindPage(file, read, file.Size), Is.EqualTo(place));
        }
    }

    [TestCase(31, 128, 0)]
    [TestCase(32, 3 * 4096, 32)]
    [TestCase(64, 3 * 4096, 64)]
    [TestCase(65, 4 * 4096, 65)]
    [TestCase(1_048_576, (2 * 4096) + (64L << 20), 1_048_576)]
    public void Many_locks_take_the_page_and_pages_behind_it_from_the_start(int locks, long fileLength, int behind)
    {
        NewArray array = New([0], locks);
        Assert.That((array.FileLength, array.Place.LocksBehind, array.Page.Length > 0), Is.EqualTo((fileLength, behind, behind > 0)));
        BytesOfFile file = BytesOf(array);
        Assert.That(file.TryReadHeader(out string problem), Is.Not.Null, problem);
        Assert.That(BytesOfFile.FindPage(file, array.Header, file.Size), Is.EqualTo(array.Place));
        Assert.That(array.Place.FirstLock, Is.EqualTo(behind > 0 ? 8192 : 4096 + 2112));
    }

    [TestCase(0, 208, false)]
    [TestCase(1, 8192, true)]
    [TestCase(31, 8192, true)]
    [TestCase(32, 3 * 4096, true)]
    public void A_file_that_cannot_grow_has_the_page_from_the_start_unless_it_has_no_locks(int locks, long fileLength, bool hasPage)
    {
        NewArray array = NewArray.Create(ArrayLayout.Npy, s_double, [10], locks, needsPage: true, "shape");
        Assert.That((array.FileLength, ControlPage.HasWord(array.Page)), Is.EqualTo((fileLength, hasPage)));
    }

    [Test]
    public void No_mutation_of_a_byte_crashes_the_reader_or_reaches_beyond_the_file()
    {
        // The header, and twice the part of the page that an attachment reads.
        NewArray array = New([10], locks: 40);
        byte[] bytes = BytesOf(array).Bytes.ToArray();
        int refused = 0;
        int tried = 0;
        foreach (int i in Enumerable.Range(0, 128).Concat(Enumerable.Range(4096, 24)))
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

        Assert.That(tried, Is.EqualTo(152 * 256));
        Assert.That(refused, Is.InRange(10_000, 128 * 255));
        Assert.That(((BytesOfFile)bytes).ReadsSafely(), Is.True);
    }

    [Test]
    public void No_truncation_crashes_the_reader()
    {
        byte[] bytes = BytesOf(New([10], locks: 40)).Bytes.ToArray();
        for (int size = 0; size <= bytes.Length; size++)
        {
            // The file is truncated before it is opened, and afterwards.
            Assert.That(new BytesOfFile(bytes.AsMemory(0, size), size).ReadsSafely(), Is.EqualTo(size >= 208), $"{size} bytes");
            _ = new BytesOfFile(bytes.AsMemory(0, size), bytes.Length, IsCut: true).ReadsSafely();
        }
    }

    [TestCase("")]
    [TestCase("{}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (10,), 'more': 1}")]
    [TestCase("{'descr': '<f8', 'fortran_order': 0, 'shape': (10,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': 10}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (11,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (11,), }")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (10), }")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,), }")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904, 0)}")]
    [TestCase("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904, 0), }")]
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
    [TestCase("{\"shape\":(10L,),\"fortran_order\":True,\"descr\":\"=f8\"}", "<f8", false, 10L)]
    [TestCase("{\"shape\":(10L,2),\"fortran_order\":True,\"descr\":\"=f8\"}", "<f8", true, 10L, 2L)]
    [TestCase("{'descr': '<f8', 'fortran_order': True, 'shape': (10, 2), }", "<f8", true, 10L, 2L)]
    [TestCase("{'descr': '<f8', 'fortran_order': True, 'shape': (10, 1), }", "<f8", false, 10L, 1L)]
    [TestCase("{'descr': '>c16', 'fortran_order': False, 'shape': (2, 2)}", ">c16", false, 2L, 2L)]
    [TestCase("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", "|b1", false)]
    [TestCase("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", "|b1", false)]
    [TestCase("{'descr': '<U5', 'fortran_order': False, 'shape': (3,)}", "<U5", false, 3L)]
    [TestCase("{'descr': '|S10', 'fortran_order': False, 'shape': (3,)}", "|S10", false, 3L)]
    [TestCase("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (3,)}", "<M8[ns]", false, 3L)]
    [TestCase("{'descr': [('x', '<f4'), ('', '|V4'), ('m', '<i2', (2, 2))], 'fortran_order': False, 'shape': (3,)}",
        "[('x', '<f4'), ('', '|V4'), ('m', '<i2', (2, 2))]", false, 3L)]
    [TestCase("{'descr': [('p', [('x', '<f4'), ('y', '<f4')]), ('\\xe9\\'', '|u1')], 'fortran_order': False, 'shape': (3,)}",
        "[('p', [('x', '<f4'), ('y', '<f4')]), (\"\\xe9'\", '|u1')]", false, 3L)]
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
        => Prop.ForAll<string>(static text => ((BytesOfFile)Header(text ?? string.Empty)).ReadsSafely() || true).QuickCheckThrowOnFailure();

    [Test]
    public void Any_shape_and_type_are_read_as_written()
    {
        Gen<ImmutableArray<long>> shapes = Gen.ListOf(Gen.Choose(0, 9)).Select(
            list => list.Take(10).Select(i => (long)i).ToImmutableArray());
        Gen<string> types = Gen.Elements("|b1", "<i2", "<f8", "<c16", "|S3", "<U2", "|V7", "<m8[us]");
        Prop.ForAll(shapes.ToArbitrary(), types.ToArbitrary(), static (shape, text) =>
        {
            NewArray array = NewArray.Create(ArrayLayout.Npy, ScalarType.TryParse(text)!, shape.AsSpan(), 1, needsPage: false, "shape");
            ArrayHeader? read = NpyFormat.TryRead(array.Head, array.FileLength, out _);
            return read is not null && read.Shape.SequenceEqual(shape) && read.Type == array.Header.Type && read.End == array.FileLength;
        }).QuickCheckThrowOnFailure();
    }

    [Test]
    public void The_usual_header_is_read_as_every_other_one()
    {
        // The unchanged header is compared. With another space it is parsed.
        string[] types =
        [
            "<f8", "<f4", "<f2", "|b1", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "<c16", "<c8", ">f8", "|S1", "f8", "<f16",
            "<b1",
        ];
        string[] shapes =
        [
            "()", "(0,)", "(10,)", "(007,)", "(10)", "(10,, )", "(1, 2)", "(1, 2,)", "(1,2)", "(1, -2)", "(-1,)", "(+1,)", "(1L,)", "(1,",
            "1", "(,)", "( )",
            .. new[] { 63, 64, 65, 100 }.Select(static rank => ShapeText.Of(Enumerable.Repeat(1L, rank).ToArray())),
        ];
        string[] rests = [.. from shape in shapes from end in new[] { ", }", "}", ",}", ", }x", ", 'x': 1}" } select shape + end];
        int read = 0;
        IEnumerable<string> dictionaries = types.SelectMany(
            type => rests.Select(rest => $"{{'descr': '{type}', 'fortran_order': False, 'shape': {rest}"));
        foreach (string dictionary in dictionaries)
        {
            ArrayHeader? usual = Read(dictionary, Exbibyte, out string problem);
            ArrayHeader? parsed = Read($" {dictionary}", Exbibyte, out string other);
            Assert.That((usual?.Type, problem), Is.EqualTo((parsed?.Type, other)), dictionary);
            Assert.That(usual?.Shape.ToArray(), Is.EqualTo(parsed?.Shape.ToArray()), dictionary);
            read += usual is null ? 0 : 1;
        }

        Assert.That(read, Is.GreaterThan(14 * 6));
    }

    [Test]
    public void Elements_cannot_forge_a_control_page()
    {
        // The elements contain many forged pages. The real page is behind them.
        NewArray array = NewArray.Create(ArrayLayout.Npy, s_byte, [8 * 4096], 1, needsPage: false, "shape");
        byte[] file = BytesOf(array).Bytes.ToArray();
        for (int place = 128; place + 12 <= file.Length; place += 64)
        {
            ControlPage.Write(7).CopyTo(file, place);
        }

        Assert.That(BytesOfFile.FindPage((BytesOfFile)file, array.Header, file.Length), Is.EqualTo(new PagePlace(array.FileLength, 0)));
    }

    // The rest of the file behind the page is the room for locks.
    [TestCase(0, 64 * 64, 0)]
    [TestCase(1, 64 * 64, 1)]
    [TestCase(31, 64 * 64, 31)]
    [TestCase(64, 64 * 64, 64)]
    [TestCase(65, 64 * 64, 0)]
    [TestCase(64, (64 * 64) - 1, 0)]
    [TestCase(1, 0, 0)]
    [TestCase(1, -1, 0)]
    [TestCase(1, long.MinValue, 0)]
    [TestCase(-1, 64 * 64, 0)]
    [TestCase(int.MinValue, long.MaxValue, 0)]
    [TestCase(int.MaxValue, long.MaxValue, 0)]
    [TestCase(1_048_576, 64L << 20, 1_048_576)]
    [TestCase(1_048_577, long.MaxValue, 0)]
    public void Locks_behind_the_page_count_only_as_far_as_the_file_has_room(int count, long bytesBehind, int expected)
    {
        byte[] page = ControlPage.Write(count);
        Assert.That(ControlPage.LocksBehind(page, bytesBehind), Is.EqualTo(expected));
        page[0]++;
        Assert.That(ControlPage.LocksBehind(page, bytesBehind), Is.Zero, "another version's number is not read");
    }

    [Test]
    public void Any_start_of_a_page_gives_a_number_of_locks_that_has_room()
    {
        Gen<byte[]> starts = Gen.OneOf(
            Gen.Choose(0, 20).SelectMany(static length => Gen.ArrayOf(Gen.Choose(0, 255).Select(static value => (byte)value), length)),
            Gen.Choose(0, 12).SelectMany(
                static length => Gen.Choose(-1 << 30, 1 << 30).Select(count => ControlPage.Write(count)[..length])),
            Gen.Choose(-5, 70).Select(ControlPage.Write));
        Gen<long> rooms = Gen.OneOf(
            Gen.Choose(-100, 5000).Select(static i => (long)i), Gen.Elements(long.MinValue, long.MaxValue, 1L << 26));
        Prop.ForAll(starts.ToArbitrary(), rooms.ToArbitrary(), static (start, room) =>
        {
            int count = ControlPage.LocksBehind(start, room);
            return count == 0 || (count is > 0 and <= ControlPage.MaxLocks && count * 64L <= room && ControlPage.HasWord(start));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Test]
    public void Any_bytes_behind_the_elements_give_a_page_whose_locks_are_in_the_file()
    {
        // The header of an array, then zeros, a word and a count somewhere, and the end of the file somewhere.
        NewArray array = New([10]);
        Gen<int> counts = Gen.OneOf(Gen.Choose(-2, 130), Gen.Elements(int.MinValue, int.MaxValue, 1 << 20, (1 << 20) + 1));
        Prop.ForAll(counts.ToArbitrary(), Gen.Choose(208, 4 * 4096).ToArbitrary(), Gen.Choose(0, 16).ToArbitrary(), (count, size, shift) =>
        {
            byte[] file = new byte[Math.Max(size, 4096 + 12 + shift)];
            array.Head.CopyTo(file, 0);
            ControlPage.Write(count).CopyTo(file, 4096 + shift);
            _ = new BytesOfFile(file.AsMemory(0, size), size + 4096, IsCut: true).ReadsSafely();
            return new BytesOfFile(file.AsMemory(0, size), size).ReadsSafely();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    // A sparse file can be so large that the offset of its page would overflow.
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(4095)]
    [TestCase(4096)]
    [TestCase(8192)]
    [TestCase(1 << 30)]
    public void A_page_behind_the_largest_offset_has_no_place(long less)
    {
        long length = long.MaxValue - less - 128;
        byte[] head = NpyHeader.Write(s_byte, [length]);
        ArrayHeader? header = NpyFormat.TryRead(head, long.MaxValue, out string problem);
        Assert.That(header, Is.Not.Null, problem);
        PagePlace? place = BytesOfFile.FindPage(new BytesOfFile(head, long.MaxValue), header!, long.MaxValue);
        Assert.That(place?.LocksEnd ?? 0, Is.InRange(0, long.MaxValue));
        Assert.That(place is null, Is.EqualTo(less < 1 << 30));
    }

    [TestCase(0x0102_4D48_5350_0002UL, null)]
    [TestCase(0x0200_5053_484D_0201UL, "the other byte order")]
    [TestCase(0x0102_4D48_5350_0003UL, "has version 3, and this library reads version 2")]
    [TestCase(0x0102_4D48_5350_FFFFUL, "has version 65535")]
    [TestCase(0x4C52_5443_4D48_5350UL, "version 1 of the control page")]
    [TestCase(0x0102_4D48_5351_0002UL, null)]
    [TestCase(1UL, null)]
    public void A_word_of_another_machine_or_version_is_called_by_its_name(ulong word, string? reason)
    {
        string? problem = word == ControlPage.Word ? null : ControlPage.FindProblem(word);
        Assert.That(problem, reason is null ? Is.Null : Does.Contain(reason));
    }

    [Test]
    public void The_longest_header_of_version_1_is_listed_and_a_longer_one_is_not()
    {
        byte[] longest = NpyHeader.Write(Struct(65_439), [7]);
        byte[] longer = NpyHeader.Write(Struct(65_440), [7]);
        Assert.That((longest.Length, longest[6], longer[6]), Is.EqualTo((65_536, (byte)1, (byte)2)));
        foreach (byte[] head in (byte[][])[longest, longer])
        {
            BytesOfFile file = new(head.Concat(new byte[56]).ToArray(), head.Length + 56);
            Assert.That(file.TryReadHeader(out string problem), Is.Not.Null, problem);
            bool isListed = file.TryReadHeader(out problem, ArrayReader.LongestListed) is not null;
            Assert.That((isListed, problem.Length > 0), Is.EqualTo((head == longest, head == longer)));
        }

        static StructType Struct(int length) => new([new Field(new string('x', length), s_double, 0)], 8);
    }

    private static NewArray New(ReadOnlySpan<long> shape, int locks = 1)
        => NewArray.Create(ArrayLayout.Npy, s_double, shape, locks, needsPage: false, "shape");

    // The file that the library writes for a new array, with some additional bytes.
    private static BytesOfFile BytesOf(NewArray array, int more = 0)
    {
        byte[] file = new byte[array.FileLength + more];
        array.Head.CopyTo(file, 0);
        array.Page.CopyTo(file, array.Page.Length > 0 ? array.Place.Offset : 0);
        array.Tail.CopyTo(file, array.FileLength - array.Tail.Length);
        return file;
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
