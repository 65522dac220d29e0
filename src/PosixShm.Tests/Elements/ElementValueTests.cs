using System.Globalization;
using System.Text;
using System.Text.Json;
using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm.Tests;

/// <summary>Single elements as objects and as text.</summary>
internal sealed class ElementValueTests : NamedTest
{
    private static readonly object[] s_primitives =
    [
        true, (sbyte)1, (short)1, 1, 1L, (byte)1, (ushort)1, 1u, 1ul, 1f, 1.0, 'a', (Half)1, 1m, DayOfWeek.Monday, "1",
        new System.Numerics.Complex(1, 0), new Complex64(1, 0), DateTime.UnixEpoch,
    ];

    [Test]
    public void Values_are_converted_as_Array_SetValue_converts_them()
    {
        string[] dtypes =
        [
            "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64",
            "complex128",
        ];
        foreach (string dtype in dtypes)
        {
            using UntypedSharedArray array = SharedArray.Create(NameOf(dtype), ArrayContent.Zeros(dtype, 2));
            foreach (object value in s_primitives)
            {
                Array expected = Array.CreateInstance(SharedArray.ElementTypeOf(dtype)!, 1);
                bool isConverted = Try<Exception>(() => expected.SetValue(value, 0));
                Assert.That(
                    Try<InvalidCastException>(() => array.SetValue(value, 1)), Is.EqualTo(isConverted), $"{value.GetType()} as {dtype}");
                Assert.That(!isConverted || array.GetValue(1).Equals(expected.GetValue(0)), Is.True, $"{value.GetType()} as {dtype}");
            }
        }

        static bool Try<TException>(Action set)
            where TException : Exception
        {
            try
            {
                set();
                return true;
            }
            catch (TException)
            {
                return false;
            }
        }
    }

    [TestCase("float64")]
    [TestCase("complex128")]
    [TestCase("U5")]
    [TestCase("S5")]
    [TestCase("V5")]
    [TestCase("M8[ns]")]
    public void A_null_is_refused_by_name(string dtype)
    {
        using UntypedSharedArray array = SharedArray.Create(Name, ArrayContent.Zeros(dtype, 2));
        Assert.That(() => array.SetValue(null!, 1), Throws.ArgumentNullException.With.Property("ParamName").EqualTo("value"));
    }

    [Test]
    public void A_date_is_set_from_any_integer_that_widens()
    {
        using UntypedSharedArray array = SharedArray.Create(Name, ArrayContent.Zeros("M8[D]", 2));
        array.SetValue(7, 1);
        Assert.That((array.GetValue(1), array.GetText(1)), Is.EqualTo(((object)7L, "1970-01-08")));
        Assert.That(() => array.SetValue(7.0, 1), Throws.InstanceOf<InvalidCastException>());
        Assert.That(() => array.SetValue(7ul, 1), Throws.InstanceOf<InvalidCastException>());
    }

    [Test]
    public void Any_byte_but_zero_is_true_where_the_library_reads()
    {
        using SharedArray<bool> array = SharedArray.Create<bool>(Name, 4);
        _ = Python.Run("np.load(sys.argv[1], mmap_mode='r+').view('u1')[:] = [0, 1, 2, 255]", ShmPath);
        using ReadOnlySharedArray<bool> reader = SharedArray.AttachReadOnly<bool>(Name);
        foreach (UntypedSharedArray each in new UntypedSharedArray[] { array, reader })
        {
            Assert.That(Enumerable.Range(0, 4).Select(i => each.GetValue(i)), Is.EqualTo(new object[] { false, true, true, true }));
            Assert.That(Enumerable.Range(0, 4).Select(i => each.GetValue(i).Equals(true)), Is.EqualTo(new[] { false, true, true, true }));
            Assert.That(each.ToString(), Is.EqualTo("[False  True  True  True]"));
        }

        Assert.That(array.Bytes.ToArray(), Is.EqualTo(new byte[] { 0, 1, 2, 255 }), "the memory itself stays");
    }

    // Lone surrogates at both ends and in the wrong order, and the last code point.
    [TestCase("'\\ud800'")]
    [TestCase("'a\\udfffb'")]
    [TestCase("'\\ude00\\ud83d'")]
    [TestCase("'\\U0001f642\\ud83d'")]
    [TestCase("'\\U0010ffff'")]
    [TestCase("'a\\0b'")]
    [TestCase("'\\ud83d\\ude42'")]
    public void Text_is_kept_when_it_is_set_to_itself(string text)
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.array([eval(sys.argv[2])], '<U6'))", ShmPath, text);
        byte[] before = File.ReadAllBytes(ShmPath);
        using UntypedSharedArray array = SharedArray.AttachUntyped(Name);
        array.SetValue(array.GetValue(0), 0);
        Assert.That(File.ReadAllBytes(ShmPath), Is.EqualTo(before));
        Assert.That(
            Encoding.UTF8.GetString(new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(array.ToString())),
            Is.EqualTo(array.ToString()),
            "text for a terminal is whole");
    }

    [Test]
    public void Invalid_code_points_are_kept_when_they_are_set_to_themselves()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.array([0x61, 0x110000, 0xffffffff], 'u4').view('<U3'))", ShmPath);
        byte[] before = File.ReadAllBytes(ShmPath);
        using UntypedSharedArray array = SharedArray.AttachUntyped(Name);
        array.SetValue(array.GetValue(0), 0);
        Assert.That(File.ReadAllBytes(ShmPath), Is.EqualTo(before));
        array.SetValue("b", 0);
        Assert.That(array.GetValue(0), Is.EqualTo("b"));
    }

    [Test]
    public void Text_is_escaped_as_numpy_escapes_it()
    {
        // Characters that only one of the two versions of Unicode has are left out.
        string script = """
            import unicodedata
            codes = [c for c in range(1, 0x20000) if unicodedata.category(chr(c)) != 'Cn']
            np.save(open(sys.argv[1], 'wb'), np.array([chr(c) for c in codes]))
            np.save(open(sys.argv[2], 'wb'), np.array([bytes([c]) for c in range(1, 256)]))
            print(json.dumps([repr(chr(c)) for c in codes] + [repr(bytes([c])) for c in range(1, 256)]))
            """;
        string bytes = NameOf("bytes");
        string[] numpy = JsonSerializer.Deserialize<string[]>(Python.Run(script, ShmPath, ShmPathOf(bytes)))!;
        List<string> ours = [];
        foreach (string name in new[] { Name, bytes })
        {
            using UntypedSharedArray array = SharedArray.AttachUntyped(name, SharedArrayAccess.ReadOnly);
            for (long i = 0; i < array.Length; i++)
            {
                ours.Add(ElementText.Quoted(ScalarType.TryParse(array.DType)!, array.GetValue(i)));
            }
        }

        Assert.That(ours.Zip(numpy).Where(static pair => pair.First != pair.Second), Is.Empty);
    }

    [Test]
    public void Text_without_room_is_shown_as_numpy_shows_its_dtype()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.zeros(3, '<U0'))", ShmPath);
        string numpy = Python.Run("print(np.load(sys.argv[1]).dtype.str)", ShmPath);
        using UntypedSharedArray array = SharedArray.AttachUntyped(Name);
        Assert.That((array.DType, array.ToString()), Is.EqualTo((numpy, "['' '' '']")));
    }

    [Test]
    public void A_number_without_dimensions_is_written_as_numpy_writes_it()
    {
        string[] numbers =
        [
            "1.0", "-0.0", "0.0", "0.1", "123.456", "1e15", "123456789012345.6", "1e16", "9999999999999998.0", "1e17",
            "123456789012345678.0", "1e-4", "1.5e-4", "9.999e-5", "1e-5", "5e-324", "1.7976931348623157e308", "nan", "inf", "-inf",
            "60055455276583568.0", "65504.0", "6e4", "1e7", "16777216.0", "1e10", "3e-8",
        ];
        string script = """
            import warnings; warnings.simplefilter('ignore')
            numbers = sys.argv[2].split()
            arrays = [np.array(float(x), t) for t in ('f8', 'f4', 'f2') for x in numbers]
            parts = ('1', '-2.5', '0', '-0.0', 'nan', '-inf', '1e20')
            pairs = [complex(float(x), float(y)) for x in numbers[:9] + ['nan', 'inf'] for y in parts]
            arrays += [np.array(pair, t) for t in ('c16', 'c8') for pair in pairs]
            for i, a in enumerate(arrays):
                np.save(sys.argv[1] + '/%d.npy' % i, a)
                print(str(a))
            """;
        string[] numpy = Python.Run(script, Folder, string.Join(' ', numbers)).Split('\n');
        List<string> ours = [];
        for (int i = 0; i < numpy.Length; i++)
        {
            using UntypedSharedArray array = SharedArray.AttachUntyped(
                string.Create(CultureInfo.InvariantCulture, $"file://{Folder}/{i}.npy"), SharedArrayAccess.ReadOnly);
            ours.Add(array.ToString());
        }

        Assert.That(ours, Is.EqualTo(numpy));
    }

    [Test]
    public void The_text_of_many_dimensions_or_of_elements_without_bytes_ends()
    {
        string wide = Header("|S0", [1L << 40]);
        string deep = Header("|S0", [.. Enumerable.Repeat(2L, 40)]);
        string seven = Header("|S0", [.. Enumerable.Repeat(7L, 14)]);
        using UntypedSharedArray first = SharedArray.AttachUntyped(wide);
        using UntypedSharedArray second = SharedArray.AttachUntyped(deep);
        using UntypedSharedArray third = SharedArray.AttachUntyped(seven);
        Assert.That(first.ToString(), Is.EqualTo("[b'' b'' b'' ... b'' b'' b'']"));
        Assert.That(second.ToString(), Is.EqualTo("[...]"));
        Assert.That(third.ToString(), Does.StartWith("[[[[[[[[[[[[[[b'' ... b'']").And.Length.LessThan(1_000_000));

        string Header(string dtype, long[] shape)
        {
            string path = Path.Combine(Folder, $"{shape.Length}.npy");
            File.WriteAllBytes(path, NpyHeader.Write(ScalarType.TryParse(dtype)!, shape));
            return "file://" + path;
        }
    }
}
