using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Names;

namespace PosixShm.Tests;

/// <summary>A new array is byte for byte the file that <c>np.save</c> writes. numpy makes the file or the header to compare with.</summary>
internal sealed class NumpyFileTests : NamedTest
{
    // Saves each expression of a JSON list as a file whose name is its number.
    private const string SaveAll = """
        import warnings; warnings.simplefilter('ignore')
        for i, expression in enumerate(json.load(open(sys.argv[1]))):
            np.save(open(f'{sys.argv[2]}/{i}.npy', 'wb'), eval(expression))
        """;

    private static readonly ScalarType s_double = ScalarType.Native(ScalarType.FloatingPoint, 8);

    // Names of fields, in Python: with escapes, with quotes of the other kind, of the later versions of the format. Half a surrogate pair
    // is a code point there.
    private static readonly string[] s_names =
    [
        "'plain'", """ "it's" """, """ 'say "hi"' """, """ 'it\'s "both"' """, """ 'back\\slash' """, """ '\n\t\r' """,
        """ '\0\x01\x1f\x7f' """, "'a b'", "' '", """ '\x80\xa0\xad\xff' """, """ '\xe9' """, """ '\xe9\'"\\' """,
        """ '\u0100' """, """ '\u6642' """,
        """ '\ue000\ufeff\u2028\u3000' """, """ '\U00020bb7' """, """ '\U00020bb7\xe9\u6642\'' """,
        """ '\U000e0001\U0010ffff' """, """ '\ud800' """, """ '\udfff\ud800x' """,
        "'x' * 70000", """ '\xe9' * 70000 """, """ '\u6642' * 30000 """,
    ];

    [Test]
    public void Every_element_type_of_CSharp_is_saved_as_numpy_saves_it()
    {
        List<string> expressions = [];
        Fill<bool>("?");
        Fill<sbyte>("i1");
        Fill<short>("i2");
        Fill<int>("i4");
        Fill<long>("i8");
        Fill<byte>("u1");
        Fill<ushort>("u2");
        Fill<uint>("u4");
        Fill<ulong>("u8");
        Fill<Half>("f2");
        Fill<float>("f4");
        Fill<double>("f8");
        Fill<Complex64>("c8");
        Fill<Complex>("c16");
        Fill<char>("u2");
        Fill<nint>("i8");
        Fill<nuint>("u8");
        Fill<Guid>("V16");
        Fill<DayOfWeek>("i4");
        Fill<Padded>("{'names': ['Flag', 'Value', 'Last'], 'formats': ['?', 'f8', 'i2'], 'offsets': [0, 8, 16], 'itemsize': 24}");
        Fill<Placed>("{'names': ['First', 'Second'], 'formats': ['i2', 'i4'], 'offsets': [4, 8], 'itemsize': 16}");
        Fill<Outer>(
            """
            {'names': ['Tag', 'Inner', 'Pairs', 'Grid', 'Property'], 'offsets': [0, 8, 32, 80, 104], 'itemsize': 112, 'formats': [
            ('u1', (3,)),
            {'names': ['Flag', 'Value', 'Last'], 'formats': ['?', 'f8', 'i2'], 'offsets': [0, 8, 16], 'itemsize': 24},
            ({'names': ['Flag', 'Value', 'Last'], 'formats': ['?', 'f8', 'i2'], 'offsets': [0, 8, 16], 'itemsize': 24}, (2,)),
            (np.dtype(('f4', (2,))), (3,)), 'i4']}
            """);
        Fill<Latin>("[('é', 'f8')]");
        Fill<Wide>("[('時', 'f8'), ('é', 'f8')]");

        Save(expressions);
        for (int i = 0; i < expressions.Count; i++)
        {
            _ = ChildProcess.Run("cmp", ShmPathOf(NameOf($"{i}")), Path.Combine(Folder, $"{i}.npy"));
        }

        // All bytes are 0 or 1, which are valid in every dtype.
        void Fill<T>(string dtype)
            where T : unmanaged
        {
            using SharedArray<T> array = SharedArray.Create<T>(NameOf($"{expressions.Count}"), 2, 3);
            Span<byte> bytes = MemoryMarshal.AsBytes(array.Span);
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)(i & 1);
            }

            string type = dtype.StartsWith('{') || dtype.StartsWith('[') ? dtype : $"'{dtype}'";
            expressions.Add($"(np.arange({bytes.Length}, dtype=np.uint64) & 1).astype('u1').view(np.dtype({type})).reshape(2, 3)");
        }
    }

    [Test]
    public void Every_dtype_that_is_created_by_its_name_is_saved_as_numpy_saves_it()
    {
        string[] dtypes =
        [
            "float64", "S1", "S5", "U1", "U300", "V1", "V7", "f16", "c32", "M8", "M8[ns]", "M8[25s]", "m8", "m8[us]", "m8[2Y]", "?", "b",
            "longdouble",
        ];
        Save(dtypes.Select(static dtype => $"np.zeros((2, 3), '{dtype}')"));
        for (int i = 0; i < dtypes.Length; i++)
        {
            SharedArray.Create(NameOf($"{i}"), ArrayContent.Zeros(dtypes[i], 2, 3)).Dispose();
            ExpectSame(i, dtypes[i]);
        }
    }

    [Test]
    public void Every_dtype_that_numpy_saves_in_C_order_is_written_the_same_again()
    {
        string[] dtypes =
        [
            "'>f8'", "'>M8[D]'", "'>U3'", "'>c16'", "'=i4'",
            "[('x', '<f4'), ('y', '>i2'), ('s', 'S3'), ('u', 'U2'), ('d', 'M8[ms]'), ('v', 'V5'), ('b', '?')]",
            "[('m', '<i2', (2, 3)), ('n', '<i2', (1,)), ('k', 'S2', 4)]",
            "[('p', [('x', '<f4'), ('q', [('y', '<f4', (2,))], (3,))]), ('z', 'u1')]",
            "[('a', ('<f4', (2,)), (3,))]",
            "np.dtype([('a', 'u1'), ('b', [('c', 'u1'), ('d', 'f8')], (2,)), ('e', 'u1')], align=True)",
            "{'names': ['a', 'b'], 'formats': ['u1', 'f8'], 'offsets': [3, 8], 'itemsize': 24}",
            "[('a', 'V0'), ('b', 'S0'), ('c', 'U0'), ('d', 'f8', (0,)), ('e', 'i1')]",
            "[('f%d' % i, '<f8') for i in range(5000)]",
            .. s_names.Select(static name => $"[({name}, '<f8'), ('other', '<i2')]"),
        ];
        Save(dtypes.Select(static dtype => $"np.zeros(3, {dtype})"));
        List<byte> versions = [];
        for (int i = 0; i < dtypes.Length; i++)
        {
            byte[] numpys = File.ReadAllBytes(Path.Combine(Folder, $"{i}.npy"));
            ArrayHeader? header = NpyFormat.TryRead(numpys, numpys.Length, out string problem);
            Assert.That(header, Is.Not.Null, $"{dtypes[i][..Math.Min(dtypes[i].Length, 100)]}: {problem}");
            Create(NameOf($"{i}"), header!.Type, [3]);
            ExpectSame(i, dtypes[i]);
            versions.Add(numpys[6]);
        }

        Assert.That(versions.Distinct(), Is.EquivalentTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public void Every_shape_is_saved_as_numpy_saves_it()
    {
        long[][] shapes =
        [
            [], [0], [1], [10], [2, 3], [3, 0, 2],
            .. Enumerable.Range(1, 32).Select(static rank => Shape(rank, static i => i % 8 == 3 ? 2 : 1)),
            .. Enumerable.Range(1, 32).Select(static rank => Shape(rank, static i => i == 3 ? 0 : 100 >> i)),
            .. Enumerable.Range(0, 19).Select(static digits => Shape(2, i => i == 0 ? PowerOf10(digits) : 0)),
            .. Enumerable.Range(0, 19).Select(static digits => Shape(2, i => i == 0 ? 0 : PowerOf10(digits))),
            .. Enumerable.Range(1, 18).Select(static digits => Shape(3, i => i == 0 ? PowerOf10(digits) - 1 : i - 1)),
            [long.MaxValue, 0], [0, long.MaxValue], [0, long.MaxValue, 1],
        ];
        Save(shapes.Select(static shape => $"np.zeros({ShapeText.Of(shape)}, 'u1')"));
        for (int i = 0; i < shapes.Length; i++)
        {
            SharedArray.Create<byte>(NameOf($"{i}"), shapes[i]).Dispose();
            ExpectSame(i, ShapeText.Of(shapes[i]));
        }
    }

    [Test]
    public void Header_is_numpys_also_where_numpy_has_no_such_array()
    {
        // numpy 1 has at most 32 dimensions. Lengths are those around a multiple of 64, and around the end of version 1.
        List<(DType Type, long[] Shape)> arrays = [];
        for (int rank = 1; rank <= 64; rank++)
        {
            arrays.Add((s_double, Shape(rank, static _ => 1)));
            arrays.Add((s_double, Shape(rank, static i => i == 5 ? 0 : long.MaxValue >> (i % 60))));
        }

        foreach (int length in Enumerable.Range(1, 130).Concat(Enumerable.Range(65_380, 150)))
        {
            arrays.Add((Struct(new string('x', length)), [7]));
        }

        for (int length = 65_380; length < 65_530; length += 9)
        {
            arrays.Add((Struct(new string('é', length)), []));
            arrays.Add((Struct(new string('時', length / 3)), [1L << 40]));
        }

        string script = """
            import ast, hashlib, io, warnings; warnings.simplefilter('ignore')
            for descr, shape in json.load(open(sys.argv[1])):
                header = io.BytesIO()
                np.lib.format._write_array_header(header, {'shape': tuple(shape), 'fortran_order': False, 'descr': ast.literal_eval(descr)})
                print(len(header.getvalue()), header.getvalue()[6], hashlib.sha256(header.getvalue()).hexdigest().upper())
            """;
        string table = Path.Combine(Folder, "table.json");
        File.WriteAllText(table, JsonSerializer.Serialize(arrays.Select(static array => new object[] { array.Type.Literal, array.Shape })));
        string[] numpys = Python.Run(script, table).Split('\n');
        Assert.That(arrays.Select(static array => Line(NpyHeader.Write(array.Type, array.Shape))), Is.EqualTo(numpys));
        Assert.That(numpys.Select(static line => line.Split(' ')[1]).Distinct(), Is.EquivalentTo(new[] { "1", "2", "3" }));

        static string Line(byte[] header) => $"{header.Length} {header[6]} {Convert.ToHexString(SHA256.HashData(header))}";
    }

    [Test]
    public void Text_is_quoted_as_Python_quotes_it()
    {
        // Every code point. A character is not printable to a version of Unicode that lacks it.
        string path = Path.Combine(Folder, "quoted");
        File.WriteAllLines(path, Enumerable.Range(0, 0x110000).Select(static code =>
        {
            string text = code is >= 0xD800 and <= 0xDFFF ? $"{(char)code}" : char.ConvertFromUtf32(code);
            bool isAssigned = CharUnicodeInfo.GetUnicodeCategory(code) != UnicodeCategory.OtherNotAssigned;
            return $"{isAssigned}\t{PythonText.Quote(text, isAscii: true)}\t{PythonText.Quote(text, isAscii: false)}";
        }));
        string script = """
            import unicodedata
            for code, line in enumerate(open(sys.argv[1], encoding='utf-8', newline='\n')):
                is_assigned, escaped, here = line[:-1].split('\t')
                is_same = (is_assigned == 'True') == (unicodedata.category(chr(code)) != 'Cn')
                if escaped != ascii(chr(code)) or (is_same and here != repr(chr(code))): print(ascii(line), ascii(repr(chr(code))))
            print(code)
            """;
        Assert.That(Python.Run(script, path), Is.EqualTo($"{0x10FFFF}"));
    }

    [Test]
    public void Copy_of_a_segment_is_a_saved_array_before_and_after_the_first_lock()
    {
        using SharedArray<double> array = SharedArray.Create(
            Name, ArrayContent.From(new double[,] { { 1.5, 2.5, 3.5 }, { 4.5, 5.5, 6.5 } }));
        foreach (long size in new[] { 128L + 48, 8192 })
        {
            string copy = Path.Combine(Folder, $"{size}.npy");
            _ = ChildProcess.Run("cp", ShmPath, copy);
            Assert.That(new FileInfo(copy).Length, Is.EqualTo(size));
            string seen = Python.Run(
                """
                want = np.array([[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]])
                for mode in None, 'r', 'r+', 'c': assert np.array_equal(np.load(sys.argv[1], mmap_mode=mode), want)
                with open(sys.argv[1], 'rb') as f: assert np.array_equal(np.load(f), want)
                np.lib.format.open_memmap(sys.argv[1], 'r+')[1, 2] = 7
                print(np.load(sys.argv[1])[1, 2])
                """, copy);
            Assert.That(seen, Is.EqualTo("7.0"));
            array.Lock.EnterScope().Dispose();
        }
    }

    [Test]
    public void Ten_doubles_are_208_bytes_and_one_page_until_the_first_lock()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        Assert.That(Stat(), Is.EqualTo("208 8 512"));
        array.Lock.EnterScope().Dispose();
        Assert.That(Stat(), Is.EqualTo("8192 16 512"));
        _ = array.ChangeCounter.Signal();
        using SharedArray<double> second = SharedArray.Attach(Name);
        second.Locks[30].EnterScope().Dispose();
        Assert.That(Stat(), Is.EqualTo("8192 16 512"));

        string Stat() => ChildProcess.Run("stat", "--format=%s %b %B", ShmPath).TrimEnd();
    }

    // With spaces up to a multiple of 4,096 bytes, numpy would refuse them: it reads at most 10,000 characters of a header.
    [TestCase(8130)]
    [TestCase(9000)]
    [TestCase(9900)]
    public void Numpy_reads_a_dtype_of_many_characters(int length)
    {
        // [('xxx', '<f8'), ('f', '<f4')]
        ScalarType single = ScalarType.Native(ScalarType.FloatingPoint, 4);
        StructType type = new([new Field(new string('x', length - 27), s_double, 0), new Field("f", single, 8)], 12);
        Assert.That(type.Literal, Has.Length.EqualTo(length));
        Create(Name, type, [10]);
        string seen = Python.Run("a = np.load(sys.argv[1]); print(a.shape, len(str(a.dtype.descr)))", ShmPath);
        Assert.That(seen, Is.EqualTo($"(10,) {length}"));
    }

    private static long PowerOf10(int digits) => Enumerable.Repeat(10L, digits).Aggregate(1L, static (product, ten) => product * ten);

    private static long[] Shape(int rank, Func<int, long> dimension) => [.. Enumerable.Range(0, rank).Select(dimension)];

    private static StructType Struct(string name) => new([new Field(name, s_double, 0)], 8);

    private static void Create(string name, DType type, long[] shape)
        => AttachedArray.Create(
            SegmentName.Parse(name, nameof(name)),
            NewArray.Create(ArrayLayout.Npy, type, shape, locks: 1, needsPage: false, nameof(shape)),
            new SharedArrayOptions().ToSegmentOptions(),
            PagePolicy.Always).Segment.Release();

    private void Save(IEnumerable<string> expressions)
    {
        string path = Path.Combine(Folder, "expressions.json");
        File.WriteAllText(path, JsonSerializer.Serialize(expressions));
        _ = Python.Run(SaveAll, path, Folder);
    }

    private void ExpectSame(int number, string what)
    {
        byte[] ours = File.ReadAllBytes(ShmPathOf(NameOf($"{number}")));
        byte[] numpys = File.ReadAllBytes(Path.Combine(Folder, $"{number}.npy"));
        int same = ours.AsSpan().CommonPrefixLength(numpys);
        string difference = $"{ours.Length} and {numpys.Length} bytes, at {same} '{Excerpt(ours, same)}' and '{Excerpt(numpys, same)}'";
        Assert.That(same == ours.Length && same == numpys.Length, Is.True, $"{what[..Math.Min(what.Length, 100)]}: {difference}");
    }

    private static string Excerpt(byte[] file, int from) => Encoding.Latin1.GetString(file.AsSpan(from, Math.Min(40, file.Length - from)));

    private struct Padded
    {
        public bool Flag;
        public double Value;
        public short Last;
    }

    [StructLayout(LayoutKind.Explicit, Size = 16)]
    private struct Placed
    {
        [FieldOffset(8)]
        public int Second;

        [FieldOffset(4)]
        public short First;
    }

    private unsafe struct Outer
    {
        public fixed byte Tag[3];
        public Padded Inner;
        public TwoPadded Pairs;
        public ThreePairs Grid;

        public int Property { get; set; }
    }

    [InlineArray(2)]
    private struct TwoPadded
    {
        public Padded Element;
    }

    [InlineArray(2)]
    private struct TwoFloats
    {
        public float Element;
    }

    [InlineArray(3)]
    private struct ThreePairs
    {
        public TwoFloats Element;
    }

    private struct Latin
    {
        public double é;
    }

    private struct Wide
    {
        public double 時;
        public double é;
    }
}
