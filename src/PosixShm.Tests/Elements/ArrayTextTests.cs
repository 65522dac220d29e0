namespace PosixShm.Tests;

/// <summary>Arrays as text, with numpy as the judge.</summary>
internal sealed class ArrayTextTests : NamedTest
{
    [TestCase("np.arange(12).reshape(2, 2, 3)")]
    [TestCase("np.arange(16).reshape(2, 2, 2, 2)")]
    [TestCase("np.arange(1000000, dtype='u4').reshape(100, 100, 100)")]
    [TestCase("np.arange(1001)")]
    [TestCase("np.arange(2002).reshape(1001, 2)")]
    [TestCase("np.array(-1.5)")]
    [TestCase("np.array([0.25, -0.75, 100.5 - 0.25])", TestName = "Fractions")]
    [TestCase("np.array([1.0, -2.0, 300.0])", TestName = "Whole_numbers")]
    [TestCase("np.array([[1.5, -20.25], [3, np.nan]])", TestName = "Points_below_each_other")]
    [TestCase("np.array(7)")]
    [TestCase("np.zeros((0,), dtype=int)")]
    [TestCase("np.arange(3000).reshape(3, 10, 100)")]
    [TestCase("np.array([np.nan, np.inf, -np.inf], 'f4')", TestName = "Not_a_number_and_infinities")]
    [TestCase("np.array([1.5e300, 2.5e-300])", TestName = "Exponents")]
    [TestCase("np.array([1.5-2.5j, -3.5+4.5j], 'c8')", TestName = "Complex_numbers")]
    [TestCase("np.array([[True, False]])")]
    [TestCase("np.zeros((2, 0, 3))")]
    [TestCase("np.array([b'abc', b'', b'\\xe9\\n', b\"it's\"])", TestName = "Bytes")]
    [TestCase("np.array(['größe', '', '\\x1b[31m', \"it's\", '\\u202e'])", TestName = "Text")]
    [TestCase("np.array(['2024-02-29', 'NaT', '0001-01-01', '1969-12-31', '1900-03-01'], 'M8[D]')", TestName = "Days")]
    [TestCase("np.array([-1971, 5, 20000], 'M8[Y]')", TestName = "Years")]
    [TestCase("np.array([-5, 5], 'M8[M]')", TestName = "Months")]
    [TestCase("np.array([-5, 5], 'M8[W]')", TestName = "Weeks")]
    [TestCase("np.array([-5, 5], 'M8[25m]')", TestName = "Minutes")]
    [TestCase("np.array([-5, 5], 'M8[h]')", TestName = "Hours")]
    [TestCase("np.array([-5, 5, 2**40], 'M8[25s]')", TestName = "Seconds")]
    [TestCase("np.array([-5, 2**63 - 1, -2**63 + 1], 'M8[ns]')", TestName = "Nanoseconds")]
    [TestCase("np.array([-5, 5], 'M8[as]')", TestName = "Attoseconds")]
    [TestCase("np.array([1, -50, 'NaT'], 'm8[ns]')", TestName = "Spans")]
    public void Text_is_what_numpy_prints(string expression)
    {
        string expected = Python.Run(
            "np.set_printoptions(linewidth=10**6); a = eval(sys.argv[2]); np.save(open(sys.argv[1], 'wb'), a); print(a)",
            ShmPath,
            expression);

        using UntypedSharedArray array = SharedArray.AttachUntyped(Name, SharedArrayAccess.ReadOnly);
        Assert.That(array.ToString(), Is.EqualTo(expected));
    }

    [Test]
    public void Arrays_above_the_threshold_are_summarised()
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.From([.. Enumerable.Range(0, 1001)]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Written(1000), Is.EqualTo("[   0    1    2 ...  998  999 1000]"));
            Assert.That(Written(1001).Trim('[', ']').Split(' ', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1001));
        }

        array.Dispose();
        Assert.That(() => Written(7), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(array.ToString(), Does.Contain("disposed"));

        string Written(long threshold)
        {
            using StringWriter text = new();
            array.WriteTo(text, threshold);
            return text.ToString();
        }
    }

    [Test]
    public void Single_text_element_is_printed_without_quotes()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.array(['2024-02-29'], 'M8[D]'))", ShmPath);
        using UntypedSharedArray array = SharedArray.AttachUntyped(Name);
        Assert.That(array.GetText(0), Is.EqualTo("2024-02-29"));
        Assert.That(() => array.GetText(1), Throws.InstanceOf<IndexOutOfRangeException>());
    }
}
