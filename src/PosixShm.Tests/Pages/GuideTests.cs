using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace PosixShm.Tests;

/// <summary>Runs the code of docs/GUIDE.md.</summary>
internal sealed class GuideTests : NamedTest
{
    #region struct
    private enum Side : byte
    {
        Buy,
        Sell,
    }

    private record struct Tick(long Time, double Price, int Volume, Side Side, InlineArray4<float> Depth);
    #endregion

    #region struct in a struct
    private record struct Level(float Price, int Volume);

    private record struct Quote(long Time, [field: DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof(Level))] Level Best);
    #endregion

    #region struct with dates
    private record struct Trade(
        [field: FieldName("time stamp")] DateTime64<Nanoseconds> Time,
        [field: FieldName("bid price")] double Bid,
        TimeDelta64<QuarterHours> Delay);

    private struct QuarterHours : ITimeUnit
    {
        public static string Name => "15m";
    }
    #endregion

    [Test]
    public void A_lease_keeps_the_memory()
    {
        string name = Name;
        #region lease
        SharedArray<double> a = SharedArray.Create(name, 1000);
        using (SharedArrayLease<double> lease = a.Acquire())
        {
            a.Dispose(); // another thread, say
            lease[0] = 42;
            TensorPrimitives.Multiply(lease.Span, 2, lease.Span);
        } // and only now is the memory unmapped
        #endregion

        using SharedArray<double> same = SharedArray.Attach(name);
        Assert.That(same[0], Is.EqualTo(84));
        Assert.That(() => a.Acquire().Dispose(), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void The_guard_is_active_unless_another_handler_took_its_place()
    {
        #region guard
        if (!SharedArray.IsFaultGuardActive)
        {
            Console.Error.WriteLine("Another library has taken SIGBUS: a truncated array ends this process.");
        }
        #endregion

        Assert.That(SharedArray.IsFaultGuardActive, Is.True);
    }

    [Test]
    public async Task Memory_is_stored_and_used_across_awaits()
    {
        string name = Name;
        using Stream stream = new MemoryStream([1, 2, 3, 4]);
        #region memory
        using SharedArray<byte> a = SharedArray.Create<byte>(name, 4);
        await stream.ReadExactlyAsync(a.Memory);
        #endregion

        Assert.That(a, Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
        Memory<byte> memory = a.Memory;
        a.Dispose();
        Assert.That(() => memory.Span.Length, Throws.InstanceOf<ObjectDisposedException>(), "as the page says");
    }

    [Test]
    public void Threads_share_an_array()
    {
        string name = Name;
        #region threads
        using SharedArray<long> counts = SharedArray.Create<long>(name, 2);
        Parallel.For(0, 1000, i => Interlocked.Increment(ref counts[i % 2]));
        #endregion

        Assert.That(counts, Is.EqualTo(new long[] { 500, 500 }));
    }

    [Test]
    public void Read_only_and_private_arrays_are_attached()
    {
        string name = Name;
        using SharedArray<double> original = SharedArray.Create(name, 10);
        #region read-only
        using ReadOnlySharedArray<double> table = SharedArray.AttachReadOnly<double>(name);
        double sum = TensorPrimitives.Sum(table.Span);

        using SharedArray<double> mine = SharedArray.AttachCopyOnWrite<double>(name);
        mine[0] = -1; // no other process sees it
        #endregion

        Assert.That((sum, original[0], table[0], mine[0]), Is.EqualTo((0.0, 0.0, 0.0, -1.0)));
    }

    [Test]
    public void Anonymous_array_is_shared()
    {
        #region anonymous
        using SharedArray<int> a = SharedArray.CreateAnonymous<int>(3, 4);
        string tellAnother = a.Name; // "/proc/PID/fd/N"

        // In a process of the same user, as long as this one has it:
        using SharedArray<int> same = SharedArray.Attach<int>(tellAnother);
        #endregion

        same[0] = 7;
        Assert.That(a[0], Is.EqualTo(7));
        Assert.That(tellAnother, Does.Match($"^/proc/{Environment.ProcessId}/fd/[0-9]+$"));
        Assert.That(Python.Run("print(np.load(sys.argv[1], mmap_mode='r').sum())", tellAnother), Is.EqualTo("7"));
    }

    [Test]
    public async Task Content_and_files()
    {
        (string name, string second, string path) = (Name, NameOf("second"), Path.Combine(Folder, "a.npy"));
        using MemoryStream stream = new();
        CancellationToken cancellation = CancellationToken.None;
        #region content
        using SharedArray<double> a = SharedArray.CreateOrAttach(name, ArrayContent.Build<double>([2, 3], array => array.Fill(1.5)));

        a.Save(path, flushToDisk: true);
        await a.SaveAsync(stream, cancellation);
        using SharedArray<double> b = SharedArray.Create(second, ArrayContent.Load<double>(path));
        #endregion

        Assert.That(b.Shape, Is.EqualTo(new long[] { 2, 3 }));
        Assert.That(b, Is.All.EqualTo(1.5));
        Assert.That(stream.ToArray(), Is.EqualTo(await File.ReadAllBytesAsync(path)));
        Assert.That(Python.Run("print(np.load(sys.argv[1]).tolist())", path), Is.EqualTo("[[1.5, 1.5, 1.5], [1.5, 1.5, 1.5]]"));
    }

    [Test]
    public async Task A_consumer_waits_for_an_array()
    {
        string name = Name;
        Task<SharedArray<double>> consumer = Consume();
        SharedArray.Create(name, 3).Dispose();
        using SharedArray<double> seen = await consumer;
        Assert.That(seen.Length, Is.EqualTo(3));

        async Task<SharedArray<double>> Consume()
        {
            #region wait
            SharedArray<double> a = await SharedArray.AttachAsync<double>(name, TimeSpan.FromSeconds(30));
            #endregion
            return a;
        }
    }

    [Test]
    public void Fortran_order()
    {
        (string name, string second) = (Name, NameOf("second"));
        _ = Python.Run("np.save(open(sys.argv[1], 'xb'), np.asfortranarray(np.arange(6.0).reshape(2, 3)))", ShmPath);
        #region Fortran
        using SharedArray<double> f = SharedArray.Attach(name);          // (2, 3), written by np.asfortranarray
        double last = f[1, 2];
        double[] rows = f.ToArray();                                     // in C order
        double sum = Tensor.Sum<double>(f.AsTensorSpan(.., 1..2));       // a column
        using SharedArray<double> c = SharedArray.Create(second, ArrayContent.CopyOf(f)); // in C order, with all views
        #endregion

        Assert.That((f.IsFortranOrder, c.IsFortranOrder, last, sum), Is.EqualTo((true, false, 5.0, 5.0)));
        Assert.That(rows, Is.EqualTo(new double[] { 0, 1, 2, 3, 4, 5 }));
        Assert.That(c.Span.ToArray(), Is.EqualTo(rows));
        Assert.That(() => f.Span.Length, Throws.InvalidOperationException);
    }

    [Test]
    public void A_new_generation()
    {
        string name = Name;
        using SharedArray<double> old = SharedArray.Create(name, ArrayContent.From([1.0, 2, 3]));
        #region generations
        SharedArray<double> a = SharedArray.Attach(name);

        using SharedArray<double> larger = SharedArray.Resize<double>(name, 5); // by another process

        if (!a.IsCurrent)
        {
            a.Dispose();
            a = SharedArray.Attach(name);
        }
        #endregion

        using (a)
        {
            Assert.That(a, Is.EqualTo(new double[] { 1, 2, 3, 0, 0 }));
            Assert.That((old.IsCurrent, larger.IsCurrent, a.IsCurrent), Is.EqualTo((false, true, true)));
        }
    }

    [Test]
    public void Structs_are_structured_types()
    {
        string name = Name;
        #region use of the struct
        using SharedArray<Tick> ticks = SharedArray.Create<Tick>(name, 1000);
        ticks[0] = new Tick(1, 101.25, 300, Side.Sell, default);
        #endregion

        string numpy = Python.Run(
            "a = np.load(sys.argv[1], mmap_mode='r'); "
                + "print(a.dtype.names, a.dtype.itemsize, a[0]['Price'], a[0]['Side'], a['Depth'].shape)",
            ShmPath);
        Assert.That(numpy, Is.EqualTo($"('Time', 'Price', 'Volume', 'Side', 'Depth') {Unsafe.SizeOf<Tick>()} 101.25 1 (1000, 4)"));
        Assert.That(Regions.Page("docs", "GUIDE.md"), Does.Contain($"\n{ticks.DType}\n"), "the page shows its dtype");

        using SharedArray<Quote> quotes = SharedArray.CreateAnonymous<Quote>(1);
        Assert.That(quotes.DType, Is.EqualTo("[('Time', '<i8'), ('Best', [('Price', '<f4'), ('Volume', '<i4')])]"));
    }

    [Test]
    public void Field_types_become_the_dtypes_of_the_page()
    {
        AssertField<bool>("|b1");
        AssertField<sbyte>("|i1");
        AssertField<Half>("<f2");
        AssertField<Complex64>("<c8");
        AssertField<System.Numerics.Complex>("<c16");
        AssertField<char>("<u2");
        AssertField<nint>("<i8");
        AssertField<nuint>("<u8");
        AssertField<Guid>("|V16");
        AssertField<DateTime64<Nanoseconds>>("<M8[ns]");
        AssertField<TimeDelta64<Seconds>>("<m8[s]");
        AssertField<Side>("|u1");
        AssertField<DayOfWeek>("<i4");

        Assert.That(
            () => SharedArray.Create<decimal>(Name, 1), Throws.InstanceOf<NotSupportedException>().With.Message.Contains("scaled long"));
        Assert.That(
            () => SharedArray.Create<DateTime>(Name, 1),
            Throws.InstanceOf<NotSupportedException>().With.Message.Contains("DateTime64<Ticks>"));
        Assert.That(
            () => SharedArray.Create<Int128>(Name, 1), Throws.InstanceOf<NotSupportedException>().With.Message.Contains("two longs"));

        static void AssertField<T>(string dtype)
            where T : unmanaged
        {
            using SharedArray<T> array = SharedArray.CreateAnonymous<T>(1);
            Assert.That(array.DType, Is.EqualTo(dtype), $"{typeof(T)}");
            using SharedArray<One<T>> struct1 = SharedArray.CreateAnonymous<One<T>>(1);
            Assert.That(struct1.DType, Is.EqualTo($"[('Value', '{dtype}')]"), $"a struct with a {typeof(T)}");
        }
    }

    [Test]
    public void Dates_are_elements_and_fields()
    {
        string name = Name;
        #region dates
        using SharedArray<DateTime64<Days>> days = SharedArray.Create<DateTime64<Days>>(name, 10);
        days[0] = (DateTime64<Days>)new DateTime(2024, 2, 29);
        DateTime day = (DateTime)days[0];
        #endregion

        Assert.That((days.DType, day), Is.EqualTo(("<M8[D]", new DateTime(2024, 2, 29))));
        Assert.That(Python.Run("print(np.load(sys.argv[1])[0])", ShmPath), Is.EqualTo("2024-02-29"));

        using SharedArray<Trade> trades = SharedArray.CreateAnonymous<Trade>(1);
        Assert.That(trades.DType, Is.EqualTo("[('time stamp', '<M8[ns]'), ('bid price', '<f8'), ('Delay', '<m8[15m]')]"));
    }

    [Test]
    public void A_guid_is_a_uuid_in_Python()
    {
        using SharedArray<Guid> ids = SharedArray.Create(Name, ArrayContent.From([Guid.NewGuid()]));
        Assert.That(
            Python.Run("import uuid; print(uuid.UUID(bytes_le=np.load(sys.argv[1])[0].tobytes()))", ShmPath),
            Is.EqualTo(ids[0].ToString()));
    }

    [Test]
    public void Text()
    {
        string name = Name;
        #region text
        using UntypedSharedArray words = SharedArray.Create(name, ArrayContent.Zeros("U10", 3));
        words.SetValue("größer", 0);
        string word = (string)words.GetValue(0);
        #endregion

        Assert.That(word, Is.EqualTo("größer"));
        Assert.That(Python.Run("print(np.load(sys.argv[1]).tolist())", ShmPath), Is.EqualTo("['größer', '', '']"));
    }

    [Test]
    public void Bytes()
    {
        string name = Name;
        #region bytes
        using UntypedSharedArray codes = SharedArray.Create(name, ArrayContent.Zeros("S4", 3));
        codes.SetValue("EUR"u8.ToArray(), 0);
        byte[] code = (byte[])codes.GetValue(0);
        #endregion

        Assert.That(code, Is.EqualTo("EUR"u8.ToArray()));
        Assert.That(Python.Run("print(np.load(sys.argv[1]).tolist())", ShmPath), Is.EqualTo("[b'EUR', b'', b'']"));
    }

    [Test]
    public void Any_type()
    {
        string name = Name;
        using SharedArray<int> integers = SharedArray.Create(name, ArrayContent.From([4, 5, 6]));
        #region open
        using UntypedSharedArray any = SharedArray.AttachUntyped(name);
        object first = any.GetValue(0);
        using SharedArray<int> typed = any.As<int>(); // the same mapping, disposed by itself
        #endregion

        Assert.That((first, typed[2]), Is.EqualTo(((object)4, 6)));
    }

    [Test]
    public void The_page_shows_the_code_that_runs()
        => Regions.CompareWithPage("GuideTests.cs", "docs", "GUIDE.md");

    private record struct One<T>(T Value)
        where T : unmanaged;
}
