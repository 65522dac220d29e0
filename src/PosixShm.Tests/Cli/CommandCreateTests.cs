using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace PosixShm.Tests;

internal sealed class CommandCreateTests : CommandTest
{
    [Test]
    public void Create_makes_zeros_of_the_given_shape_and_type()
    {
        Assert.That(Pshm("create", Name, "2", "3", "--dtype", "int16"), Is.Empty);

        using SharedArray<short> array = SharedArray.Attach<short>(Name);
        Assert.That(array.Shape, Is.EqualTo(new long[] { 2, 3 }));
        Assert.That(array.ToArray(), Is.All.Zero);
    }

    [Test]
    public void Create_makes_doubles_by_default()
    {
        _ = Pshm("create", Name, "4");
        Assert.That(SharedArray.Describe(Name).ElementType, Is.EqualTo(typeof(double)));
    }

    [Test]
    public void Create_without_a_shape_makes_a_single_value()
    {
        _ = Pshm("create", Name, "--fill", "-1.5");

        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That(array.Rank, Is.Zero);
        Assert.That(array[0], Is.EqualTo(-1.5));
        Assert.That(Pshm("show", Name), Is.EqualTo($"{Name}: <f8 ()\n-1.5\n"));
    }

    [Test]
    public void An_empty_array_can_be_filled_and_shown()
    {
        _ = Pshm("create", Name, "0", "3", "--fill", "7");
        Assert.That(Pshm("show", Name), Is.EqualTo($"{Name}: <f8 (0, 3)\n[]\n"));
        Assert.That(JsonDocument.Parse(Pshm("show", Name, "--json")).RootElement.GetProperty("values").GetArrayLength(), Is.Zero);
    }

    // The arguments, the JSON and the text of the command, and the value that numpy reads.
    [TestCase("bool", "true", "true", "True", "True")]
    [TestCase("int8", "-128", "-128", "-128", "-128")]
    [TestCase("int16", "-32768", "-32768", "-32768", "-32768")]
    [TestCase("int32", "-2147483648", "-2147483648", "-2147483648", "-2147483648")]
    [TestCase("int64", "-9223372036854775808", "-9223372036854775808", "-9223372036854775808", "-9223372036854775808")]
    [TestCase("uint8", "255", "255", "255", "255")]
    [TestCase("uint16", "65535", "65535", "65535", "65535")]
    [TestCase("uint32", "4294967295", "4294967295", "4294967295", "4294967295")]
    [TestCase("uint64", "18446744073709551615", "18446744073709551615", "18446744073709551615", "18446744073709551615")]
    [TestCase("float16", "0.5", "0.5", "0.5", "0.5")]
    [TestCase("float16", "65504", "65504.0", "65500.", "65504.0")]
    [TestCase("float32", "0.1", "0.10000000149011612", "0.1", "0.10000000149011612")]
    [TestCase("float64", "0.1", "0.1", "0.1", "0.1")]
    [TestCase("float64", "5e-324", "5E-324", "5.e-324", "5e-324")]
    [TestCase("float64", "-0.0", "-0.0", "-0.", "-0.0")]
    [TestCase("float64", "60055455276583568", "60055455276583570.0", "60055455276583570.", "6.005545527658357e+16")]
    [TestCase("float64", "1e22", "1E+22", "1.e+22", "1e+22")]
    [TestCase("float64", "nan", "\"NaN\"", "nan", "nan")]
    [TestCase("float64", "NaN", "\"NaN\"", "nan", "nan")]
    [TestCase("float64", "inf", "\"Infinity\"", "inf", "inf")]
    [TestCase("float64", "-inf", "\"-Infinity\"", "-inf", "-inf")]
    [TestCase("float16", "-Infinity", "\"-Infinity\"", "-inf", "-inf")]
    [TestCase("float32", "nan", "\"NaN\"", "nan", "nan")]
    [TestCase("complex64", "1.5-2j", "[1.5,-2.0]", "1.5-2.j", "(1.5-2j)")]
    [TestCase("complex128", "-1e-3+2e-4j", "[-0.001,0.0002]", "-0.001+0.0002j", "(-0.001+0.0002j)")]
    [TestCase("complex128", "(3+4j)", "[3.0,4.0]", "3.+4.j", "(3+4j)")]
    [TestCase("complex128", "-2j", "[0.0,-2.0]", "0.-2.j", "-2j")]
    [TestCase("complex128", "7", "[7.0,0.0]", "7.+0.j", "(7+0j)")]
    [TestCase("complex128", "nan-infj", "[\"NaN\",\"-Infinity\"]", "nan-infj", "(nan-infj)")]
    public void A_value_comes_back_as_it_was_given(string dtype, string value, string json, string text, string python)
    {
        _ = Pshm("create", Name, "2", "--dtype", dtype, "--fill", value);

        using (Assert.EnterMultipleScope())
        {
            JsonElement shown = JsonDocument.Parse(Pshm("show", Name, "--json")).RootElement;
            Assert.That(shown.GetProperty("values").GetRawText(), Is.EqualTo($"[{json},{json}]"));
            Assert.That(Pshm("show", Name), Does.EndWith($"\n[{text} {text}]\n"));
            Assert.That(
                Python.Run("a = np.load(sys.argv[1], mmap_mode='r'); print(a.dtype.name, a.tolist()[1])", ShmPath),
                Is.EqualTo($"{dtype} {python}"));
        }
    }

    [TestCase("<f4", "float32")]
    [TestCase("i2", "int16")]
    [TestCase("|b1", "bool")]
    [TestCase("<c16", "complex128")]
    public void A_type_can_be_given_as_list_shows_it(string notation, string name)
    {
        _ = Pshm("create", Name, "1", "--dtype", notation);
        Assert.That(Python.Run("print(np.load(sys.argv[1]).dtype.name)", ShmPath), Is.EqualTo(name));
    }

    [Test]
    public void Floats_in_json_are_exact([Values("float16", "float32", "float64", "complex64", "complex128")] string dtype)
    {
        string report = Python.Run(
            """
            import subprocess
            path, name, dtype, pshm = sys.argv[1:]
            a = np.lib.format.open_memmap(path, mode='w+', dtype=dtype, shape=(500,))
            part = a.view(a.real.dtype)
            part[:] = np.frombuffer(np.random.default_rng(7).bytes(part.nbytes), part.dtype)
            part[:8] = np.array([0, -0.0, 1, 1e15, 1e16, 60055455276583568, 2**63, 1e22]).clip(-1, np.finfo(part.dtype).max)
            a.flush()
            values = json.loads(subprocess.check_output([pshm, 'show', name, '--json']))['values']
            flat = np.array([x for v in values for x in (v if isinstance(v, list) else [v])], 'float64')
            assert all(type(x) in (float, str) for v in values for x in (v if isinstance(v, list) else [v]))
            is_nan = np.isnan(part)
            signs = np.signbit(part) & ~is_nan | np.signbit(flat) & is_nan
            print(np.array_equal(flat, part.astype('float64'), equal_nan=True), np.array_equal(np.signbit(flat), signs))
            """,
            ShmPath, Name, dtype, Repository.Command);
        Assert.That(report, Is.EqualTo("True True"));
    }

    [TestCase("S10", "größe")]
    [TestCase("V8", "x")]
    [TestCase("M8[ns]", "2024-02-29")]
    [TestCase("bool", "2")]
    [TestCase("int8", "128")]
    [TestCase("int32", "1.5")]
    [TestCase("uint8", "-1")]
    [TestCase("uint64", "18446744073709551616")]
    [TestCase("float16", "1e6")]
    [TestCase("float64", "1e400")]
    [TestCase("float64", "one")]
    [TestCase("float64", "")]
    [TestCase("complex64", "1+j2")]
    [TestCase("complex128", "j")]
    public void Invalid_fill_value_leaves_nothing(string dtype, string value)
    {
        Assert.That(Fail(2, "create", Name, "2", "--dtype", dtype, "--fill", value), Does.Contain($"'{value}'").And.Contain(dtype));
        Assert.That(ShmPath, Does.Not.Exist);
    }

    [TestCase("S3", "abcd")]
    [TestCase("U3", "größe")]
    public void Fill_value_that_is_too_long_leaves_nothing(string dtype, string value)
    {
        Assert.That(Fail(2, "create", Name, "2", "--dtype", dtype, "--fill", value), Does.Contain(dtype));
        Assert.That(ShmPath, Does.Not.Exist);
    }

    [TestCase("-3", "negative")]
    [TestCase("three", "'three'")]
    [TestCase("1.5", "'1.5'")]
    [TestCase("", "''")]
    [TestCase("9223372036854775808", "'9223372036854775808'")]
    [TestCase("9223372036854775807", "larger than 2^63 bytes")]
    public void Invalid_length_is_wrong_use(string length, string reason)
    {
        Assert.That(Fail(2, "create", Name, "2", length), Does.Contain(reason));
        Assert.That(ShmPath, Does.Not.Exist);
    }

    [TestCase("S10", "", "b''")]
    [TestCase("U5", "", "''")]
    [TestCase("V3", "000000", "000000")]
    [TestCase("M8[s]", "1970-01-01T00:00:00", "'1970-01-01T00:00:00'")]
    public void Dtype_without_a_CSharp_type_can_be_created(string dtype, string value, string text)
    {
        _ = Pshm("create", Name, "2", "--dtype", dtype);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Pshm("show", Name), Does.EndWith($"\n[{text} {text}]\n"));
            Assert.That(Pshm("show", Name, "--json"), Does.EndWith($",\"values\":[\"{value}\",\"{value}\"]}}\n"));
            Assert.That(Python.Run("print(np.load(sys.argv[1]).dtype == np.dtype(sys.argv[2]))", ShmPath, dtype), Is.EqualTo("True"));
        }
    }

    [TestCase("S5", "abc", "[b'abc', b'abc']")]
    [TestCase("S3", "abc", "[b'abc', b'abc']")]
    [TestCase("U5", "größe", "['größe', 'größe']")]
    [TestCase("U2", "😀 ", "['😀 ', '😀 ']")]
    public void Elements_can_be_filled_with_text(string dtype, string value, string python)
    {
        _ = Pshm("create", Name, "2", "--dtype", dtype, "--fill", value);
        Assert.That(Python.Run("print(np.load(sys.argv[1]).tolist())", ShmPath), Is.EqualTo(python));
        Assert.That(JsonDocument.Parse(Pshm("show", Name, "--json")).RootElement.GetProperty("values")[1].GetString(), Is.EqualTo(value));
    }

    [Test]
    public void An_unknown_type_is_wrong_use_and_the_known_ones_are_named()
        => Assert.That(Fail(2, "create", Name, "2", "--dtype", "float65"), Does.Contain("'float65'").And.Contain("complex128"));

    [Test]
    public void Too_many_dimensions_are_wrong_use()
        => Assert.That(Fail(2, ["create", Name, .. Enumerable.Repeat("1", 65)]), Does.Contain("64 dimensions"));

    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("..")]
    [TestCase("sem.x")]
    [TestCase("two\nlines")]
    [TestCase("http://x")]
    public void Invalid_name_is_wrong_use(string name) => Assert.That(Fail(2, "create", name, "2"), Does.Not.Contain("Parameter"));

    [Test]
    public void Existing_name_is_a_failure_and_the_array_stays_as_it_was()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 1);
        array[0] = 5;
        Assert.That(Fail(1, "create", Name, "2", "--fill", "1"), Does.Contain($"'{Name}'").And.Contain("taken"));
        Assert.That(array[0], Is.EqualTo(5));
    }

    [Test]
    public void Lack_of_space_is_a_failure_with_the_free_bytes()
    {
        // The limit protects the machine: a command that does not check the free space first would reserve all of it. (The
        // runtime's own memory file for W^X would hit the limit, too.)
        string script = "ulimit -f 4096; export DOTNET_EnableWriteXorExecute=0; code=0; "
            + "\"$pshm\" create \"$1\" \"$2\" 2>&1 || code=$?; echo $code";
        string length = (1L << 50).ToString(CultureInfo.InvariantCulture);
        Assert.That(Shell(script, Name, length), Does.StartWith("pshm: No space").And.Contain("free").And.EndWith("\n1"));
    }

    [Test]
    public void Half_and_complex_survive_the_way_from_shell_to_dotnet()
    {
        _ = Pshm("create", Name, "1", "--dtype", "complex128", "--fill", "1.5-2j");
        using SharedArray<Complex> array = SharedArray.Attach<Complex>(Name);
        Assert.That(array[0], Is.EqualTo(new Complex(1.5, -2)));

        _ = Pshm("create", NameOf("half"), "1", "--dtype", "float16", "--fill=-0.25");
        using SharedArray<Half> half = SharedArray.Attach<Half>(NameOf("half"));
        Assert.That(half[0], Is.EqualTo((Half)(-0.25)));
    }
}
