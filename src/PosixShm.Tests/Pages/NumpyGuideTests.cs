using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;

namespace PosixShm.Tests;

/// <summary>
/// Runs the code of docs/NUMPY.md, and compares each result with numpy's: a region's name is the expression that numpy evaluates on the
/// same shared arrays. numpy attaches them copy-on-write and evaluates first, so that in-place operations are applied once.
/// </summary>
internal sealed class NumpyGuideTests : NamedTest
{
    private const string PageName = "NUMPY.md";

    // All tests share one interpreter, because importing numpy takes longer than the tests.
    private static ChildProcess s_python = null!;

    private readonly List<(string Variable, string Path)> _seen = [];
    private (long[] Shape, double[] Values, string DType, string Text) _expected;

    [OneTimeSetUp]
    public static void StartNumpy() => s_python = Python.Start(
        """
        for line in sys.stdin:
            expression, paths = json.loads(line)
            names = {name: np.load(path, mmap_mode='c') for name, path in paths.items()}
            try:
                result = eval(expression, {'np': np}, names)
            except SyntaxError:
                exec(expression, {'np': np}, names)
                result = names['a']
            r = np.asarray(result)
            print(json.dumps([list(r.shape), r.astype(float).ravel().tolist() if r.dtype.kind in 'biuf' else [], r.dtype.str, str(result)]))
        """);

    [OneTimeTearDown]
    public static void StopNumpy()
    {
        try
        {
            s_python.WaitForSuccess();
        }
        finally
        {
            s_python.Dispose();
        }
    }

    [Test]
    public void Zeros()
    {
        string name = Ask("np.zeros((3, 4))");
        #region np.zeros((3, 4))
        using SharedArray<double> a = SharedArray.Create(name, 3, 4);
        #endregion
        Same(a);
    }

    [Test]
    public void Full()
    {
        string name = Ask("np.full((3, 4), 7.0)");
        #region np.full((3, 4), 7.0)
        using SharedArray<double> a = SharedArray.Create(name, ArrayContent.Filled(7.0, 3, 4));
        #endregion
        Same(a);
    }

    [Test]
    public void Zeros_like()
    {
        using SharedArray<double> a = A();
        string name = Ask("np.zeros_like(a)");
        #region np.zeros_like(a)
        using SharedArray<double> c = SharedArray.Create(name, ArrayContent.Zeros<double>([.. a.Shape]));
        #endregion
        Same(c);
    }

    [Test]
    public void From_values()
    {
        string name = Ask("np.array([1.5, 2.5, 3.5])");
        #region np.array([1.5, 2.5, 3.5])
        using SharedArray<double> v = SharedArray.Create(name, ArrayContent.From([1.5, 2.5, 3.5]));
        #endregion
        Same(v);
    }

    [Test]
    public void From_rows()
    {
        string name = Ask("np.array([[1, 2], [3, 4]])");
        #region np.array([[1, 2], [3, 4]])
        using SharedArray<long> m = SharedArray.Create(name, ArrayContent.From(new long[,] { { 1, 2 }, { 3, 4 } }));
        #endregion
        Same(m);
    }

    [Test]
    public void Dates()
    {
        string name = Ask("np.array(['2024-02-29', 'NaT'], 'M8[D]')");
        #region np.array(['2024-02-29', 'NaT'], 'M8[D]')
        using SharedArray<DateTime64<Days>> t = SharedArray.Create(name, ArrayContent.From([(DateTime64<Days>)new DateTime(2024, 2, 29), DateTime64<Days>.NaT]));
        #endregion
        Assert.That((t.DType, t.ToString()), Is.EqualTo((_expected.DType, _expected.Text)));

        _ = See(t, "t");
        _ = Ask("np.isnat(t).any()");
        #region np.isnat(t).any()
        bool hasNaT = t.Any(x => x.IsNaT);
        #endregion
        Assert.That(hasNaT.ToString(), Is.EqualTo(_expected.Text));
    }

    [Test]
    public void Copy()
    {
        using SharedArray<double> a = A();
        string name = Ask("a.copy()");
        #region a.copy()
        using SharedArray<double> c = SharedArray.Create(name, ArrayContent.CopyOf(a));
        #endregion
        Same(c);
    }

    [Test]
    public void Dtype()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.dtype.str");
        #region a.dtype.str
        string dtype = a.DType;
        #endregion
        Assert.That(dtype, Is.EqualTo(_expected.Text));
    }

    [Test]
    public void Shape()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.shape");
        #region a.shape
        IReadOnlyList<long> shape = a.Shape;
        #endregion
        Assert.That(shape.Select(static length => (double)length), Is.EqualTo(_expected.Values));
    }

    [Test]
    public void Size()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.size");
        #region a.size
        long count = a.Length;
        #endregion
        Same(count);
    }

    [Test]
    public void Number_of_bytes()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.nbytes");
        #region a.nbytes
        long bytes = a.ByteLength;
        #endregion
        Same(bytes);
    }

    [Test]
    public void Print()
    {
        using SharedArray<double> a = A();
        _ = Ask("str(a)");
        #region str(a)
        string text = a.ToString();
        #endregion
        Assert.That(text, Is.EqualTo(_expected.Text));
    }

    [Test]
    public void Points_are_below_each_other_as_numpy_prints_them()
    {
        using SharedArray<double> v = See(SharedArray.Create(NameOf("v"), ArrayContent.From([1, 22.25, -3.5, double.NaN, 1000])), "v");
        _ = Ask("str(v)");
        Assert.That(v.ToString(), Is.EqualTo(_expected.Text));
    }

    [Test]
    public void List()
    {
        using SharedArray<double> v = V();
        _ = Ask("v.tolist()");
        #region v.tolist()
        double[] list = v.ToArray();
        #endregion
        Assert.That(list, Is.EqualTo(_expected.Values));
    }

    [Test]
    public void Negate()
    {
        using SharedArray<double> a = A(), c = C();
        _ = Ask("-a");
        #region -a
        TensorPrimitives.Negate(a.Span, c.Span);
        #endregion
        Same(c);
    }

    [Test]
    public void Times_a_number()
    {
        using SharedArray<double> a = A(), c = C();
        _ = Ask("a * -1");
        #region a * -1
        TensorPrimitives.Multiply(a.Span, -1, c.Span);
        #endregion
        Same(c);
    }

    [Test]
    public void Times_a_number_in_place()
    {
        using SharedArray<double> a = A();
        _ = Ask("a *= -1");
        #region a *= -1
        TensorPrimitives.Multiply(a.Span, -1, a.Span);
        #endregion
        Same(a);
    }

    [Test]
    public void Sum_of_two()
    {
        using SharedArray<double> a = A(), b = B(), c = C();
        _ = Ask("a + b");
        #region a + b
        TensorPrimitives.Add(a.Span, b.Span, c.Span);
        #endregion
        Same(c);
    }

    [Test]
    public void Add_in_place()
    {
        using SharedArray<double> a = A(), b = B();
        _ = Ask("a += b");
        #region a += b
        TensorPrimitives.Add(a.Span, b.Span, a.Span);
        #endregion
        Same(a);
    }

    [Test]
    public void Square_root()
    {
        using SharedArray<double> a = A(), c = C();
        _ = Ask("np.sqrt(a)");
        #region np.sqrt(a)
        TensorPrimitives.Sqrt(a.Span, c.Span);
        #endregion
        Same(c);
    }

    [Test]
    public void Clip()
    {
        using SharedArray<double> a = A(), c = C();
        _ = Ask("np.clip(a, 3, 8)");
        #region np.clip(a, 3, 8)
        TensorPrimitives.Clamp(a.Span, 3, 8, c.Span);
        #endregion
        Same(c);
    }

    [Test]
    public void Fill()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.fill(1); r = a");
        #region a.fill(1)
        a.Fill(1);
        #endregion
        Same(a);
    }

    [Test]
    public void Assign_all()
    {
        using SharedArray<double> a = A(), b = B();
        _ = Ask("a[...] = b");
        #region a[...] = b
        a.CopyFrom(b.Span);
        #endregion
        Same(a);
    }

    [Test]
    public void Sort()
    {
        using SharedArray<double> v = V();
        _ = Ask("np.sort(v)");
        #region np.sort(v)
        v.Span.Sort();
        #endregion
        Same(v);
    }

    [Test]
    public void Sum()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.sum()");
        #region a.sum()
        double sum = TensorPrimitives.Sum<double>(a.Span);
        #endregion
        Same(sum);
    }

    [Test]
    public void Mean()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.mean()");
        #region a.mean()
        double mean = TensorPrimitives.Average<double>(a.Span);
        #endregion
        Same(mean);
    }

    [Test]
    public void Max()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.max()");
        #region a.max()
        double max = TensorPrimitives.Max<double>(a.Span);
        #endregion
        Same(max);
    }

    [Test]
    public void Min()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.min()");
        #region a.min()
        double min = TensorPrimitives.Min<double>(a.Span);
        #endregion
        Same(min);
    }

    [Test]
    public void Place_of_the_maximum()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.argmax()");
        #region a.argmax()
        int place = TensorPrimitives.IndexOfMax<double>(a.Span);
        #endregion
        Same(place);
    }

    [Test]
    public void Standard_deviation()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.std()");
        #region a.std()
        double deviation = TensorPrimitives.StdDev<double>(a.Span);
        #endregion
        Same(deviation);
    }

    [Test]
    public void Norm()
    {
        using SharedArray<double> a = A();
        _ = Ask("np.linalg.norm(a)");
        #region np.linalg.norm(a)
        double norm = TensorPrimitives.Norm<double>(a.Span);
        #endregion
        Same(norm);
    }

    [Test]
    public void Dot()
    {
        using SharedArray<double> v = V(), row = Row();
        _ = Ask("np.dot(v[:4], row)");
        #region np.dot(v[:4], row)
        double dot = TensorPrimitives.Dot<double>(v.AsSpan(0, 4), row.Span);
        #endregion
        Same(dot);
    }

    [Test]
    public void All_equal()
    {
        using SharedArray<double> a = A(), b = B();
        _ = Ask("(a == b).all()");
        #region (a == b).all()
        bool isEqual = Tensor.EqualsAll<double>(a.AsTensorSpan(), b.AsTensorSpan());
        #endregion
        Same(isEqual ? 1 : 0);
        Assert.That(Tensor.EqualsAll<double>(a.AsTensorSpan(), a.AsTensorSpan()), Is.True);
        a[0] = double.NaN;
        Assert.That(Tensor.EqualsAll<double>(a.AsTensorSpan(), a.AsTensorSpan()), Is.False, "as in numpy");
    }

    [Test]
    public void Any_nan()
    {
        using SharedArray<double> a = A();
        a[3] = double.NaN;
        _ = Ask("np.isnan(a).any()");
        #region np.isnan(a).any()
        bool hasNaN = TensorPrimitives.IsNaNAny<double>(a.Span);
        #endregion
        Same(hasNaN ? 1 : 0);
    }

    [Test]
    public void Sum_of_some()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[a > 5].sum()");
        #region a[a > 5].sum()
        double sum = a.Where(x => x > 5).Sum();
        #endregion
        Same(sum);
    }

    [Test]
    public void Element()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[1, 2]");
        #region a[1, 2]
        ref double element = ref a[1, 2];
        #endregion
        Same(element);
    }

    [Test]
    public void Flat_element()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.flat[6]");
        #region a.flat[6]
        ref double element = ref a[6];
        #endregion
        Same(element);
    }

    [Test]
    public void Part()
    {
        using SharedArray<double> v = V();
        _ = Ask("v[2:5]");
        #region v[2:5]
        Span<double> part = v.AsSpan(2, 3);
        #endregion
        Same(part);
    }

    [Test]
    public void A_row()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[1]");
        #region a[1]
        Span<double> row = a.Row(1);
        #endregion
        Same(row);
        row[0] = -1;
        Assert.That(a[1, 0], Is.EqualTo(-1));
    }

    [Test]
    public void A_column()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[:, 1]");
        #region a[:, 1]
        TensorSpan<double> column = a.AsTensorSpan(.., 1..2).Squeeze();
        #endregion
        Same(column);
        column.Fill(-1);
        Assert.That(a[2, 1], Is.EqualTo(-1));
    }

    [Test]
    public void Rows()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[1:3, ::]");
        #region a[1:3, ::]
        TensorSpan<double> rows = a.AsTensorSpan(1..3, ..);
        #endregion
        Same(rows);
    }

    [Test]
    public void The_last_row()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[-1:, :]");
        #region a[-1:, :]
        TensorSpan<double> last = a.AsTensorSpan(^1.., ..);
        #endregion
        Same(last);
    }

    [Test]
    public void Every_second_column()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[:, ::2]");
        #region a[:, ::2]
        TensorSpan<double> even = new(a.Span, [3, 2], [4, 2]);
        #endregion
        Same(even);
        even[2, 1] = -1;
        Assert.That(a[2, 2], Is.EqualTo(-1));
    }

    [Test]
    public void Reshape()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.reshape(2, -1)");
        #region a.reshape(2, -1)
        TensorSpan<double> two = a.Reshape(2, -1);
        #endregion
        Same(two);
    }

    [Test]
    public void Ravel()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.ravel()");
        #region a.ravel()
        Span<double> flat = a.Span;
        #endregion
        Same(flat);
    }

    [Test]
    public void Transpose()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.T");
        #region a.T
        TensorSpan<double> t = new(a.Span, [4, 3], [1, 4]);
        #endregion
        Same(t);
        t[3, 0] = -1;
        Assert.That(a[0, 3], Is.EqualTo(-1), "a view");
    }

    [Test]
    public void View()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.view(np.int32)");
        #region a.view(np.int32)
        TensorSpan<int> halves = a.View<int>();
        #endregion
        Same(halves);
    }

    [Test]
    public void Fill_a_part()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[1:3, 1:3] = 7");
        #region a[1:3, 1:3] = 7
        a.AsTensorSpan(1..3, 1..3).Fill(7);
        #endregion
        Same(a);
    }

    [Test]
    public void Sum_of_a_column()
    {
        using SharedArray<double> a = A();
        _ = Ask("a[:, 1].sum()");
        #region a[:, 1].sum()
        double sum = Tensor.Sum<double>(a.AsTensorSpan(.., 1..2));
        #endregion
        Same(sum);
    }

    [Test]
    public void Broadcast_a_row()
    {
        using SharedArray<double> a = A(), row = Row(), c = C();
        _ = Ask("a + row");
        #region a + row
        Tensor.Add<double>(a.AsTensorSpan(), row.AsTensorSpan(), c.AsTensorSpan());
        #endregion
        Same(c);
    }

    [Test]
    public void Greater()
    {
        using SharedArray<double> a = A();
        using SharedArray<bool> mask = SharedArray.Create<bool>(NameOf("mask"), 3, 4);
        _ = Ask("a > 5");
        #region a > 5
        Tensor.GreaterThan<double>(a.AsTensorSpan(), 5.0, mask.AsTensorSpan());
        #endregion
        Same(mask);
    }

    [Test]
    public void Equal()
    {
        using SharedArray<double> a = A(), b = B();
        b[5] = a[5];
        using SharedArray<bool> mask = SharedArray.Create<bool>(NameOf("mask"), 3, 4);
        _ = Ask("a == b");
        #region a == b
        Tensor.Equals<double>(a.AsTensorSpan(), b.AsTensorSpan(), mask.AsTensorSpan());
        #endregion
        Same(mask);
    }

    [Test]
    public void As_another_type()
    {
        using SharedArray<double> a = A();
        a[0] = 0.1;
        string name = Ask("a.astype(np.float32)");
        #region a.astype(np.float32)
        using SharedArray<float> f = SharedArray.Create<float>(name, [.. a.Shape]);
        TensorPrimitives.ConvertTruncating<double, float>(a.Span, f.Span);
        #endregion
        Same(f);
    }

    [Test]
    public void Broadcast_in_place()
    {
        using SharedArray<double> a = A(), row = Row();
        _ = Ask("a += row");
        #region a += row
        TensorSpan<double> t = a.AsTensorSpan();
        t += row.AsTensorSpan();
        #endregion
        Same(a);
    }

    [Test]
    public void Overlapping_parts_are_as_the_page_warns()
    {
        using SharedArray<double> a = A();
        _ = Ask("a += a[:, 1:2]");
        double[] before = a.ToArray();
        Tensor.Add<double>(a.AsTensorSpan(), a.AsTensorSpan(.., 1..2), a.AsTensorSpan());
        Assert.That(a.ToArray(), Is.Not.EqualTo(_expected.Values), "Tensor");

        a.CopyFrom(before);
        Assert.That(
            () => TensorPrimitives.Add(a.AsSpan(0, 4), a.AsSpan(4, 4), a.AsSpan(1, 4)), Throws.ArgumentException, "TensorPrimitives");

        a.CopyFrom(before);
        double[] column = new double[3];
        a.AsTensorSpan(.., 1..2).FlattenTo(column);
        Tensor.Add<double>(a.AsTensorSpan(), new TensorSpan<double>(column, [3, 1]), a.AsTensorSpan());
        Same(a);
    }

    [Test]
    public void Zero_some()
    {
        using SharedArray<double> a = A();
        using SharedArray<bool> mask = SharedArray.Create<bool>(NameOf("mask"), 3, 4);
        _ = Ask("a[a > 5] = 0");
        #region a[a > 5] = 0
        Tensor.GreaterThan<double>(a.AsTensorSpan(), 5.0, mask.AsTensorSpan());
        _ = Tensor.FilteredUpdate<double>(a.AsTensorSpan(), mask.AsTensorSpan(), 0);
        #endregion
        Same(a);
    }

    [Test]
    public void Mean_over_the_rows()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.mean(axis=0)");
        #region a.mean(axis=0)
        double[] mean = new double[a.Shape[1]];
        for (long i = 0; i < a.Shape[0]; i++)
        {
            TensorPrimitives.Add(mean, a.Row(i), mean);
        }

        TensorPrimitives.Divide(mean, a.Shape[0], mean);
        #endregion
        Same(mean);
    }

    [Test]
    public void Sum_over_the_columns()
    {
        using SharedArray<double> a = A();
        _ = Ask("a.sum(axis=1)");
        #region a.sum(axis=1)
        double[] sums = new double[a.Shape[0]];
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] = TensorPrimitives.Sum<double>(a.Row(i));
        }
        #endregion
        Same(sums);
    }

    [Test]
    public void Sum_of_bytes_is_wider_than_a_byte()
    {
        using SharedArray<byte> bytes = SharedArray.Create(NameOf("bytes"), ArrayContent.Filled<byte>(200, 10));
        _ = See(bytes, nameof(bytes));
        _ = Ask("bytes.sum()");
        #region bytes.sum()
        long sum = 0;
        foreach (byte value in bytes)
        {
            sum += value;
        }
        #endregion
        Same(sum);
        Assert.That(TensorPrimitives.Sum<byte>(bytes.Span), Is.EqualTo(unchecked((byte)2000)), "what the page warns of");
    }

    [Test]
    public void A_sparse_array_beyond_a_span_is_summed_where_it_was_written()
    {
        const long Length = 3L << 30;
        const long Row = 4L << 20;
        using SharedArray<byte> a = SharedArray.Create(
            Name, ArrayContent.Zeros<byte>(Length), new SharedArrayOptions { Preallocate = false });
        a[0] = 1;
        a[(2L << 30) + Row] = 2;
        a[Length - Row] = 4;
        a[Length - 1] = 8;

        // The first byte of each row of 4 MiB, beyond the 2 GiB of a span: 768 pages.
        Assert.That(Tensor.Sum<byte>(a.Reshape(-1, Row).Slice(.., 0..1)), Is.EqualTo(1 + 2 + 4));
        Assert.That(Tensor.Sum<byte>(a.AsTensorSpan(^4096..)), Is.EqualTo(8));
        Assert.That(() => a.Span.Length, Throws.InvalidOperationException);

        long taken = TakenBytes();
        Assert.That(taken, Is.LessThan(8 << 20), "3 GiB of address space, and the pages that were touched");
        Assert.That(
            Python.Run("a = np.load(sys.argv[1], mmap_mode='r'); print(a.shape[0], a[::4 << 20].sum(), a[-4096:].sum())", ShmPath),
            Is.EqualTo($"{Length} 7 8"));

        // Reading a hole allocates its page, also by a read-only attachment, as the guide states.
        using SharedArray<byte> copy = SharedArray.AttachCopyOnWrite<byte>(Name);
        using ReadOnlySharedArray<byte> reader = SharedArray.AttachReadOnly<byte>(Name);
        Assert.That(reader.AsSpan(1 << 20, 1 << 20).Contains((byte)1), Is.False);
        Assert.That(copy.AsSpan(2 << 20, 1 << 20).Contains((byte)1), Is.False);
        Assert.That(TakenBytes() - taken, Is.EqualTo(2 << 20).Within(64 << 10));

        long TakenBytes() => long.Parse(ChildProcess.Run("stat", "-c", "%b", ShmPath), CultureInfo.InvariantCulture) * 512;
    }

    [Test]
    public void The_page_shows_the_code_that_runs()
    {
        string page = Regions.Page("docs", PageName);
        Dictionary<string, string> regions = Regions.Of("NumpyGuideTests.cs");
        int blocks = 0;
        foreach ((string numpy, string code) in regions)
        {
            bool isLine = !code.Contains('\n', StringComparison.Ordinal);
            blocks += isLine ? 0 : 1;
            Assert.That(page, Does.Contain(isLine ? $"| `{numpy}` | `{code}` |" : $"```csharp\n// {numpy}\n{code}\n```"));
        }

        Assert.That(Regions.CountBlocks(page), Is.EqualTo(blocks), "all code of the page is here");
        Assert.That(
            page.Split('\n').Count(static line => line.StartsWith("| `", StringComparison.Ordinal)),
            Is.EqualTo(regions.Count - blocks),
            "all lines, too");
    }

    private static double[] Flat<T>(ReadOnlyTensorSpan<T> tensor)
        where T : unmanaged
    {
        T[] values = new T[(int)tensor.FlattenedLength];
        tensor.FlattenTo(values);
        return [.. values.Select(static value => Convert.ToDouble(value, CultureInfo.InvariantCulture))];
    }

    private SharedArray<double> A()
    {
        SharedArray<double> a = SharedArray.Create(NameOf("a"), 3, 4);
        a.CopyFrom([.. Enumerable.Range(0, 12).Select(static i => i * 1.25)]);
        return See(a, "a");
    }

    private SharedArray<double> B()
    {
        SharedArray<double> b = SharedArray.Create(NameOf("b"), 3, 4);
        b.CopyFrom([.. Enumerable.Range(0, 12).Select(static i => 100.0 / (i + 3))]);
        return See(b, "b");
    }

    private SharedArray<double> C() => SharedArray.Create(NameOf("c"), 3, 4);

    private SharedArray<double> Row() => See(SharedArray.Create(NameOf("row"), ArrayContent.From([10.0, 20, 30, 40])), "row");

    private SharedArray<double> V() => See(SharedArray.Create(NameOf("v"), ArrayContent.From([3.5, -1, 4, 1.5, -5, 9, 2, -6])), "v");

    private SharedArray<T> See<T>(SharedArray<T> array, string variable)
        where T : unmanaged
    {
        _seen.Add((variable, ShmPathOf(array.Name)));
        return array;
    }

    // Returns the name of an array that a test may make.
    private string Ask(string expression)
    {
        s_python.Send(
            JsonSerializer.Serialize(
                new object[] { expression, _seen.ToDictionary(static pair => pair.Variable, static pair => pair.Path) }));
        using JsonDocument answer = JsonDocument.Parse(
            s_python.ReadLine() ?? throw new AssertionException($"{expression}: {s_python.Errors}"));
        JsonElement root = answer.RootElement;
        _expected = (root[0].Deserialize<long[]>()!, root[1].Deserialize<double[]>()!, root[2].GetString()!, root[3].GetString()!);
        return Name;
    }

    private void Same<T>(SharedArray<T> array)
        where T : unmanaged
    {
        Assert.That(array.DType, Is.EqualTo(_expected.DType));
        Same(array.AsReadOnlyTensorSpan());
    }

    private void Same<T>(TensorSpan<T> tensor)
        where T : unmanaged
        => Same((ReadOnlyTensorSpan<T>)tensor);

    private void Same<T>(Span<T> span)
        where T : unmanaged
        => Same(new ReadOnlyTensorSpan<T>(span));

    private void Same(double[] values) => Same(values.AsSpan());

    private void Same<T>(ReadOnlyTensorSpan<T> tensor)
        where T : unmanaged
    {
        Assert.That(tensor.Lengths.ToArray().Select(static length => (long)length), Is.EqualTo(_expected.Shape));
        Assert.That(Flat(tensor), Is.EqualTo(_expected.Values).Within(1e-12));
    }

    private void Same(double value)
    {
        Assert.That(_expected.Shape, Is.Empty);
        Assert.That(value, Is.EqualTo(_expected.Values[0]).Within(1e-12));
    }
}
