using System.Text;
using System.Text.Json;
using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm.Tests;

/// <summary>The dtypes that are created and read, with numpy as the judge of a large table.</summary>
internal sealed class DtypeTests : NamedTest
{
    private static readonly string[] s_units = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic"];

    private static readonly string[] s_names =
    [
        "bool", "bool_", "bool8", "byte", "ubyte", "short", "ushort", "intc", "uintc", "int", "int_", "uint", "int0", "uint0", "intp",
        "uintp", "long", "ulong", "longlong", "ulonglong", "half", "single", "double", "longdouble", "longfloat", "float", "float_",
        "csingle", "singlecomplex", "cdouble", "cfloat", "complex", "complex_", "clongdouble", "clongfloat", "longcomplex", "str", "str_",
        "str0", "unicode", "unicode_", "bytes", "bytes_", "bytes0", "string_", "void", "void0", "object", "object_", "object0", "float80",
        "float96", "float256", "complex192", "complex512", "int128", "uint128", "Float64", "FLOAT64", "Int32", "UInt8", "Bool", "string",
        "buffer", "number", "integer", "generic", "datetime64", "timedelta64", "datetime", "timedelta", "np.float64", "float64 ",
        " float64", "bfloat16", "T", "StringDType",
    ];

    [Test]
    public void Exactly_the_dtypes_of_numpy_are_known()
    {
        string[] candidates = [.. Candidates().Distinct()];
        string script = """
            import warnings; warnings.simplefilter('ignore')
            def of(text):
                try: d = np.dtype(text)
                except Exception: return None
                if text[0] in 'SUV' and text[1:].isdigit() and int(text[1:]) > 2**31 - 1: return None  # numpy overflows, to another type
                return d.str if 0 <= d.itemsize <= 536870895 and d.kind != 'O' else None
            print(json.dumps([of(text) for text in json.load(open(sys.argv[1]))]))
            """;
        string table = Path.Combine(Folder, "candidates.json");
        File.WriteAllText(table, JsonSerializer.Serialize(candidates));
        string?[] numpy = JsonSerializer.Deserialize<string?[]>(Python.Run(script, table))!;

        List<string> wrong = [];
        for (int i = 0; i < candidates.Length; i++)
        {
            string? ours = ScalarType.TryParse(candidates[i])?.Description;
            if (ours != numpy[i])
            {
                wrong.Add($"{candidates[i]}: numpy {numpy[i] ?? "refuses"}, here {ours ?? "refused"}");
            }
        }

        Assert.That(wrong, Is.Empty);
        Assert.That(numpy.Count(static text => text is null), Is.GreaterThan(500));
        Assert.That(numpy.Count(static text => text is not null), Is.GreaterThan(500));
    }

    [TestCase("f12")]
    [TestCase("c24")]
    [TestCase("M8[x]")]
    [TestCase("M8[]")]
    [TestCase("M8[NS]")]
    [TestCase("M8[-1s]")]
    [TestCase("M8[ns]]")]
    [TestCase("M8[n's']")]
    [TestCase("U700000000")]
    [TestCase("V2147483647")]
    [TestCase("S536870896")]
    [TestCase("S2147483648")]
    public void A_dtype_that_numpy_does_not_have_is_neither_created_nor_read(string dtype)
    {
        Assert.That(() => SharedArray.Create(Name, ArrayContent.Zeros(dtype, 1)), Throws.ArgumentException.With.Message.Contains(dtype));
        Assert.That(() => SharedArray.ElementTypeOf(dtype), Throws.ArgumentException);
        Assert.That(ShmPath, Does.Not.Exist);

        string description = $"{{'descr': {PythonText.Quote(dtype, isAscii: true)}, 'fortran_order': False, 'shape': (1,), }}";
        File.WriteAllBytes(ShmPath, [.. Header(description), .. new byte[64]]);
        Assert.That(() => SharedArray.AttachUntyped(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains($"'{dtype}'"));
    }

    [TestCase("float64", "<f8")]
    [TestCase("d", "<f8")]
    [TestCase("B", "|u1")]
    [TestCase("M8[1ns]", "<M8[ns]")]
    [TestCase("datetime64[25s]", "<M8[25s]")]
    [TestCase("m8", "<m8")]
    [TestCase("V7", "|V7")]
    public void A_created_dtype_has_the_form_that_numpy_writes(string dtype, string description)
    {
        using UntypedSharedArray array = SharedArray.Create(Name, ArrayContent.Zeros(dtype, 2));
        Assert.That(array.DType, Is.EqualTo(description));
        Assert.That(Python.Run("print(np.load(sys.argv[1]).dtype.str)", ShmPath), Is.EqualTo(description));
    }

    private static readonly string[] s_descriptions =
    [
        "('<f8', (3,))", "('<f8', 3)", "('<f8', ())", "('<f8', 1)", "('<f8', (1,))", "('<f8', [3])", "([('x','<f4')], (3,))",
        "([('x','<f4')], ())", "(('<f8', (3,)), (2,))", "('<f8', (-1,))", "('<f8', 2.0)", "('<f8', True)", "('<f8',)",
        "[('a', ([('x','<f4')], (3,)))]", "[('a', [('x','<f4')], (3,))]", "[('a','<f4',())]", "[('a','<f4',1)]", "[('a','<f4',(1,))]",
        "[('a','<f4',3)]", "[('a','<f4',[3])]", "[('a','<f4',0)]", "[('a','<f4',(0,))]", "[('a','<f4',(-1,))]", "[('a',('<f4',(2,)),(3,))]",
        "[('a',('<f4',(2,3)))]", "[['a','<f4']]", "(('a','<f4'),('b','<f4'))", "(('a','<f4'),)", "[('a','<f4'),('a','<f4')]",
        "[('','<f4')]", "[('','<f4'),('','<i4')]", "[('',('V4',(2,))),('',('V4',(2,))),('b','i4')]", "[(('t','n'),'<f4')]",
        "[(u't','<f4')]", "[((u't',u'n'),'<f4')]", "[(('n','n'),'<f4')]", "[(('b','n'),'<f4'),('b','<i4')]",
        "[(('t','n'),'<f4'),(('t','m'),'<i4')]", "[(('t','n'),'<f4'),(('s','m'),'<i4')]", "u'<f8'", "U'<f8'", "b'<f8'", "[('a',u'<f4')]",
        "[(U'a',u'<f4')]", "[('a','float64'),('b','int32')]", "[('a','d'),('b','B')]", "[('a','d'),('b','M8[ns]'),('c','f12')]",
        "[('a','M8[1ns]'),('b','m8[25s]'),('c','M8')]", "[('a','O')]", "'O'", "'object'", "[('a','<f4',(2,3)),('b','U5')]",
        "[('\\U00020bb7','<f4')]", "[('\\u00e9','<f4')]", "'<f8',", "['<f8']", "['<f8','<f4']", "None", "True", "7", "['a','<f4']",
        "[('a',None)]", "[('f0','S0'),('b','U0'),('c','V0')]", "[('a','<f4',(2L,))]", "'float32'", "'uint8'", "'d'", "'f'", "'B'", "'bool'",
        "'complex64'", "'>float64'", "'\\x3cf8'", "[('Origin', 'S4')]", "'VO'", "[('','<f4',(3,)),('','<f4',(3,)),('b','i4')]",
        "[('',[('x','i4')],(2,)),('',[('x','i4')],(2,))]", "[('',[('x','i4')]),('b','i4')]", "[('\\ud800','<f4')]",
        "[('\\ude00\\ud83d','f4')]", "[('a\\udfff','f4'),('\\U0001f642','f4')]", "[('\\U00110000','f4')]", "[('\\Uffffffff','f4')]",
        .. from levels in new[] { 16, 17, 40, 98, 99, 100, 150 } select Nested(levels),
    ];

    [Test]
    public void Descriptions_are_read_as_numpy_reads_them()
    {
        List<object?[]> table = [];
        foreach (string description in s_descriptions)
        {
            byte[] bytes = [.. Header($"{{'descr': {description}, 'fortran_order': False, 'shape': (2,), }}"), .. new byte[4096]];
            ArrayHeader? ours = ArrayHeader.TryRead(bytes, bytes, bytes.Length, out string problem);
            Assert.That(problem, ours is null ? Is.Not.Empty : Is.Empty);
            table.Add([description, Convert.ToBase64String(bytes), ours?.Type.Literal, ours?.Shape.ToArray()]);
        }

        string script = """
            import ast, base64, warnings; warnings.simplefilter('ignore')
            def plain(d):  # without titles, which have no place here
                if d.subdtype: return [plain(d.subdtype[0]), d.shape]
                if d.names is None: return d.str
                return [[n, d.fields[n][1], plain(d.fields[n][0])] for n in d.names] + [d.itemsize]
            for description, file, ours, shape in json.load(open(sys.argv[1])):
                open(sys.argv[2], 'wb').write(base64.b64decode(file))
                try:
                    a = np.load(sys.argv[2], mmap_mode='r')
                    numpy = (plain(a.dtype), a.shape)
                except Exception as e: numpy = None
                here = ours and (plain(np.lib.format.descr_to_dtype(ast.literal_eval(ours))), tuple(shape))
                if here != numpy: print(description[:80], 'numpy', numpy, 'here', here)
            """;
        string path = Path.Combine(Folder, "table.json");
        File.WriteAllText(path, JsonSerializer.Serialize(table));
        Assert.That(Python.Run(script, path, Path.Combine(Folder, "one.npy")), Is.Empty);
    }

    [Test]
    public void A_dtype_that_is_nested_too_deeply_is_refused_with_the_bound()
    {
        byte[] bytes = Header($"{{'descr': {Nested(100)}, 'fortran_order': False, 'shape': (0,), }}");
        Assert.That(ArrayHeader.TryRead(bytes, bytes, bytes.Length, out string problem), Is.Null);
        Assert.That(problem, Does.Contain("more than 199 brackets"));
    }

    [Test]
    public void A_header_of_version_3_that_is_not_UTF8_is_refused()
    {
        byte[] text = Encoding.Latin1.GetBytes("{'descr': [('\u00e9', '<f4')], 'fortran_order': False, 'shape': (0,), }\n");
        byte[] bytes = [0x93, .. "NUMPY"u8, 3, 0, .. BitConverter.GetBytes(text.Length), .. text];
        Assert.That(ArrayHeader.TryRead(bytes, bytes, bytes.Length, out string problem), Is.Null);
        Assert.That(problem, Does.Contain("UTF-8"));
        bytes[6] = 2;
        Assert.That(ArrayHeader.TryRead(bytes, bytes, bytes.Length, out _)?.Type.Description, Is.EqualTo("[('\\xe9', '<f4')]"));
    }

    [Test]
    public void A_name_beyond_16_bits_is_one_character_to_Python()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.zeros(2, [('\\U00020bb7', '<f8')]))", ShmPath);
        string dtype = SharedArray.Describe(Name).DType;
        Assert.That(dtype, Is.EqualTo("[('\\U00020bb7', '<f8')]"));

        StructType type = new([new Field("\U00020bb7\u00e9'\\", ScalarType.Native(ScalarType.FloatingPoint, 8), 0)], 8);
        File.WriteAllBytes(ShmPath, NpyHeader.Write(type, [0]));
        Assert.That(Python.Run("print(np.load(sys.argv[1]).dtype.names == ('\\U00020bb7\\u00e9\\'\\\\',))", ShmPath), Is.EqualTo("True"));
        Assert.That(SharedArray.Describe(Name).DType, Is.EqualTo(type.Description));
    }

    private static IEnumerable<string> Candidates()
    {
        foreach (string order in new[] { string.Empty, "<", ">", "|", "=" })
        {
            foreach (char letter in "?abBcdDeFfGghHiIlLmMnNOpPqQSTtuUVxsZ")
            {
                yield return $"{order}{letter}";
                string[] sizes =
                [
                    "0", "1", "2", "3", "4", "5", "7", "8", "9", "12", "16", "24", "32", "64", "08", "+8", " 8", "-8", "8 ", "8.0", "0x8",
                    "1_6",
                ];
                foreach (string size in sizes)
                {
                    yield return $"{order}{letter}{size}";
                }
            }

            foreach (string name in s_names)
            {
                yield return order + name;
            }
        }

        string[] times =
        [
            "M8", "m8", ">M8", "=m8", "datetime64", "timedelta64", "<datetime64", "M", "m4", "M16", "S8", "f8",
        ];
        foreach (string time in times)
        {
            foreach (string unit in s_units)
            {
                string[] factors =
                [
                    string.Empty, "1", "25", "0", "05", "+5", " 5", "-1", "2147483647", "2147483648", "4294967297", "5 ", "1.5", "1e3",
                ];
                foreach (string factor in factors)
                {
                    yield return $"{time}[{factor}{unit}]";
                }
            }

            string[] units =
            [
                "[]", "[x]", "[NS]", "[B]", "[y]", "[ns]]", "[[ns]", "[ns", "ns]", "ns", "[n's']", "[ns] ", " [ns]", "[ ns]", "[ns ]",
                "[\u03bcs]", "[\u00b5s]", "[5]", "[nss]", "[s][s]", "[12", "[", "]",
            ];
            foreach (string unit in units)
            {
                yield return time + unit;
            }
        }

        foreach (string length in new[] { "S", "U", "V" })
        {
            string[] counts =
            [
                "134217723", "134217724", "536870895", "536870896", "700000000", "2147483647", "2147483648", "4294967301",
                "99999999999999999999",
            ];
            foreach (string count in counts)
            {
                yield return length + count;
            }
        }
    }

    private static string Nested(int levels)
        => string.Concat(Enumerable.Repeat("[('a', ", levels)) + "'|i1'" + string.Concat(Enumerable.Repeat(")]", levels));

    private static byte[] Header(string dictionary)
    {
        byte[] text = Encoding.Latin1.GetBytes(dictionary.PadRight(117) + "\n");
        return [0x93, .. "NUMPY"u8, 2, 0, .. BitConverter.GetBytes(text.Length), .. text];
    }
}
