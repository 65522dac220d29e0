using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PosixShm.Tests;

/// <summary>
/// numpy's dates and time spans as C# elements: every unit, both ways, and their conversions. Python's integers are the reference of
/// conversions.
/// </summary>
internal sealed class DateTests : NamedTest
{
    // The past, the future, and both ends of nanoseconds and of .NET's dates.
    private static readonly DateTime[] s_dates =
    [
        .. new[]
        {
            "0001-01-01", "0001-01-01T00:00:00.0000001", "1600-02-29", "1677-09-21T00:12:43.1452241",
            "1677-09-21T00:12:43.1452242", "1900-03-01",
            "1969-01-01", "1969-12-01", "1969-12-31T23:59:59.9999999", "1970-01-01", "1970-01-01T00:00:00.0000001",
            "1970-01-01T00:00:25", "1970-01-08", "1970-02-01",
            "1970-04-10T06:00", "1972-01-01", "1977-01-01", "2000-02-29T23:59:59.999", "2024-01-01", "2024-02-29T12:34",
            "2024-02-29T12:34:56.123456",
            "2262-04-11T23:47:16.8547758", "2262-04-11T23:47:16.8547759", "9999-12-31", "9999-12-31T23:59:59.9999999",
        }.Select(static text => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).UtcDateTime),
    ];

    private static readonly TimeSpan[] s_spans =
    [
        TimeSpan.Zero, new(1), new(-1), TimeSpan.FromMicroseconds(-3), TimeSpan.FromMilliseconds(7), TimeSpan.FromSeconds(25),
        TimeSpan.FromMinutes(-45), TimeSpan.FromHours(5),
        TimeSpan.FromDays(-14), TimeSpan.FromDays(3), new(92_233_720_368_547_758), new(92_233_720_368_547_759),
        TimeSpan.MaxValue, TimeSpan.MinValue, new(long.MinValue + 1),
    ];

    private static readonly long[] s_counts =
    [
        0, 1, -1, 2, -12, 54, 99, 100, -100, 719_161, -719_162, -719_163, 2_932_896, 2_932_897, 8029, 8030,
        -1969, -1970, 96_359, 96_360, -23_628, -23_629, 12_345_678_900, -86_400_000_000,
        1_700_000_000_123_456_700, 1_700_000_000_123_456_789, 253_402_300_799, 253_402_300_800,
        -62_135_596_800, -62_135_596_801, 36_893_488_147_419_103,
        -4_611_686_018_427_387_904, long.MaxValue, -long.MaxValue, long.MinValue,
    ];

    // Computes exactly, without numpy and this library. null stands for a refusal.
    private const string Reference = """
        PARTS = dict(W=(6048 * 10**9, 1), D=(864 * 10**9, 1), h=(36 * 10**9, 1), m=(6 * 10**8, 1), s=(10**7, 1), ms=(10**4, 1), us=(10, 1),
            ns=(1, 10**2), ps=(1, 10**5), fs=(1, 10**8), **{'as': (1, 10**11)})
        EPOCH = 621_355_968 * 10**9
        import datetime, re
        factor, letters = re.fullmatch('([0-9]*)([A-Za-z]+)', sys.argv[1]).groups()
        factor = int(factor or 1)
        months = dict(Y=12, M=1).get(letters, 0) * factor
        def exact(number, per, least, most):
            return number // per if number % per == 0 and least <= number // per <= most else None
        def count(ticks):
            return exact(ticks * PARTS[letters][1], PARTS[letters][0] * factor, -2**63 + 1, 2**63 - 1)
        def date_count(ticks):
            if not months: return count(ticks - EPOCH)
            day, rest = divmod(ticks, 864 * 10**9)
            date = datetime.date.fromordinal(day + 1)
            return None if rest or date.day > 1 else exact((date.year - 1970) * 12 + date.month - 1, months, -2**63 + 1, 2**63 - 1)
        def ticks(count, start, least, most):
            if count == -2**63: return None
            return exact(count * factor * PARTS[letters][0] + start * PARTS[letters][1], PARTS[letters][1], least, most)
        def date_ticks(count):
            if not months: return ticks(count, EPOCH, 0, 3155378975999999999)
            year, month = divmod(1970 * 12 + count * months, 12)
            return (datetime.date(year, month + 1, 1).toordinal() - 1) * 864 * 10**9 if count > -2**63 and 1 <= year <= 9999 else None
        dates, spans, counts = json.loads(sys.stdin.readline())
        print(json.dumps([[date_count(t) for t in dates], [date_ticks(c) for c in counts],
            *([] if months else [[count(t) for t in spans], [ticks(c, 0, -2**63, 2**63 - 1) for c in counts]])]))
        """;

    private static readonly object[] s_units =
    [
        new object[] { "Y", default(Years) }, new object[] { "M", default(Months) }, new object[] { "W", default(Weeks) },
        new object[] { "D", default(Days) },
        new object[] { "h", default(Hours) }, new object[] { "m", default(Minutes) },
        new object[] { "s", default(Seconds) }, new object[] { "ms", default(Milliseconds) },
        new object[] { "us", default(Microseconds) }, new object[] { "100ns", default(Ticks) }, new object[] { "ns", default(Nanoseconds) },
        new object[] { "ps", default(Picoseconds) }, new object[] { "fs", default(Femtoseconds) },
        new object[] { "as", default(Attoseconds) },
        new object[] { "25s", default(TwentyFiveSeconds) }, new object[] { "3M", default(Quarters) },
    ];

    // A long cannot hold this number of days.
    private static readonly object[] s_longest = [new object[] { "2000000000W", default(LongestWeeks) }];

    [TestCaseSource(nameof(s_units))]
    public void Numpy_and_CSharp_share_dates_and_time_spans_of_every_unit<TUnit>(string unit, TUnit type)
        where TUnit : struct, ITimeUnit
    {
        _ = type;
        long[] counts = [0, 1, -1, 719, -719_163, 1_234_567_890, -1_234_567_891, long.MinValue];
        using SharedArray<DateTime64<TUnit>> dates = SharedArray.Create(
            NameOf("M"), ArrayContent.From<DateTime64<TUnit>>([.. counts.Select(static count => new DateTime64<TUnit>(count))]));
        using SharedArray<TimeDelta64<TUnit>> spans = SharedArray.Create(
            NameOf("m"), ArrayContent.From<TimeDelta64<TUnit>>([.. counts.Select(static count => new TimeDelta64<TUnit>(count))]));
        string[] seen = Python.Run(
            """
            M, m = (np.load(path, mmap_mode='r+') for path in sys.argv[1:3])
            for a in M, m: print(a.dtype.str)
            print(*M)
            M[:] = M[::-1].copy(); m[:] = m[::-1].copy(); print(M, m)
            np.save(open(sys.argv[3], 'xb'), M)
            """,
            ShmPathOf(NameOf("M")), ShmPathOf(NameOf("m")), ShmPathOf(NameOf("saved"))).Split('\n', 4);

        Assert.That(seen[..2], Is.EqualTo(new[] { $"<M8[{unit}]", $"<m8[{unit}]" }));
        Assert.That((dates.DType, spans.DType, dates.ItemSize), Is.EqualTo((seen[0], seen[1], 8)));
        Assert.That(seen[2], Is.EqualTo(string.Join(' ', counts.Select(static count => new DateTime64<TUnit>(count)))));
        using SharedArray<DateTime64<TUnit>> saved = SharedArray.Attach<DateTime64<TUnit>>(NameOf("saved"));
        foreach (SharedArray<DateTime64<TUnit>> array in new[] { dates, saved })
        {
            Assert.That(array.Select(static date => date.Count), Is.EqualTo(counts.Reverse()));
            Assert.That(array[0].IsNaT, Is.True);
        }

        Assert.That(spans.Select(static span => span.Count), Is.EqualTo(counts.Reverse()));
        Assert.That(Words($"{dates} {spans}"), Is.EqualTo(Words(seen[3])), "numpy breaks lines");

        static string[] Words(string text) => text.Split(['[', ']', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
    }

    [TestCaseSource(nameof(s_units))]
    [TestCaseSource(nameof(s_longest))]
    public void Conversions_are_exact_or_refused<TUnit>(string unit, TUnit type)
        where TUnit : struct, ITimeUnit
    {
        _ = type;
        using ChildProcess python = Python.Start(Reference, unit);
        IEnumerable<long> dates = s_dates.Select(static date => date.Ticks);
        python.Send(JsonSerializer.Serialize(new[] { dates, s_spans.Select(static span => span.Ticks), s_counts }));
        long?[][] expected = JsonSerializer.Deserialize<long?[][]>(python.ReadLine() ?? throw new AssertionException(python.Errors))!;
        python.WaitForSuccess();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(s_dates.Select(static date => Try(() => DateTime64<TUnit>.FromDateTime(date).Count)), Is.EqualTo(expected[0]));
            Assert.That(Converted(static count => new DateTime64<TUnit>(count).ToDateTime().Ticks), Is.EqualTo(expected[1]));
            Assert.That(Converted(static count => new DateTime64<TUnit>(count).ToDateTimeOffset().UtcTicks), Is.EqualTo(expected[1]));
            if (expected.Length > 2)
            {
                Assert.That(s_spans.Select(static span => Try(() => TimeDelta64<TUnit>.FromTimeSpan(span).Count)), Is.EqualTo(expected[2]));
                Assert.That(Converted(static count => new TimeDelta64<TUnit>(count).ToTimeSpan().Ticks), Is.EqualTo(expected[3]));
            }
            else
            {
                Assert.That(
                    () => TimeDelta64<TUnit>.FromTimeSpan(TimeSpan.Zero),
                    Throws.InstanceOf<NotSupportedException>().With.Message.Contains($"[{unit}]"));
                Assert.That(() => new TimeDelta64<TUnit>(1).ToTimeSpan(), Throws.InstanceOf<NotSupportedException>());
            }
        }

        static IEnumerable<long?> Converted(Func<long, long> convert) => s_counts.Select(count => Try(() => convert(count)));

        static long? Try(Func<long> convert)
        {
            try
            {
                return convert();
            }
            catch (OverflowException)
            {
                return null;
            }
        }
    }

    [Test]
    public void Ticks_hold_every_date_and_time_span_of_NET_but_one()
    {
        Assert.That(s_dates.Select(static date => (DateTime)(DateTime64<Ticks>)date), Is.EqualTo(s_dates));
        TimeSpan[] spans = [.. s_spans.Where(static span => span != TimeSpan.MinValue)];
        Assert.That(spans.Select(static span => (TimeSpan)(TimeDelta64<Ticks>)span), Is.EqualTo(spans));
        Assert.That(() => (TimeDelta64<Ticks>)TimeSpan.MinValue, Throws.InstanceOf<OverflowException>(), "its number is NaT");
    }

    [Test]
    public void Dates_are_UTC()
    {
        DateTimeOffset given = new(2024, 2, 29, 1, 30, 0, TimeSpan.FromHours(2));
        DateTime64<Minutes> date = (DateTime64<Minutes>)given;
        Assert.That(date.ToString(), Is.EqualTo("2024-02-28T23:30"));
        DateTimeOffset back = (DateTimeOffset)date;
        Assert.That((back, back.Offset, date.ToDateTime().Kind), Is.EqualTo((given, TimeSpan.Zero, DateTimeKind.Utc)));
        Assert.That(DateTime64<Minutes>.FromDateTime(new DateTime(2024, 2, 28, 23, 30, 0, DateTimeKind.Unspecified)), Is.EqualTo(date));
        Assert.That(() => DateTime64<Ticks>.FromDateTime(DateTime.Now), Throws.ArgumentException.With.Message.Contains("ToUniversalTime"));
    }

    [Test]
    public void Refusals_show_the_value_and_the_type()
    {
        Assert.That(() => new DateTime64<Nanoseconds>(1).ToDateTime(), Refused("1970-01-01T00:00:00.000000001", "DateTime"));
        Assert.That(() => DateTime64<Nanoseconds>.NaT.ToDateTimeOffset(), Refused("NaT", "DateTime"));
        Assert.That(
            () => DateTime64<Nanoseconds>.FromDateTime(DateTime.MaxValue), Refused("9999-12-31T23:59:59.9999999", "datetime64[ns]"));
        Assert.That(() => TimeDelta64<Seconds>.FromTimeSpan(TimeSpan.FromMilliseconds(1)), Refused("00:00:00.0010000", "timedelta64[s]"));
        Assert.That(() => new TimeDelta64<Weeks>(long.MaxValue).ToTimeSpan(), Refused("9223372036854775807", "TimeSpan"));
        Assert.That(
            () => new DateTime64<GenericUnit>(1).ToDateTime(),
            Throws.InstanceOf<NotSupportedException>().With.Message.Contains("no fixed length"));

        static NUnit.Framework.Constraints.Constraint Refused(string value, string type)
            => Throws.InstanceOf<OverflowException>().With.Message.Contains(value).And.Message.Contains(type);
    }

    [Test]
    public void Comparisons_and_the_order_are_those_of_numpy()
    {
        long[] counts = [5, long.MinValue, -3, long.MaxValue, long.MinValue + 1, 0, long.MinValue];
        DateTime64<Seconds>[] dates = [.. counts.Select(static count => new DateTime64<Seconds>(count))];
        TimeDelta64<Seconds>[] spans = [.. counts.Select(static count => new TimeDelta64<Seconds>(count))];
        string[] seen = Python.Run(
            """
            c = np.array(json.loads(sys.argv[1]))
            for a in c.view('M8[s]'), c.view('m8[s]'):
                compare = np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal
                print(''.join(str(int(f(x, y))) for x in a for y in a for f in compare))
            print(json.dumps(np.sort(a).view('i8').tolist()))
            """, JsonSerializer.Serialize(counts)).Split('\n');

#pragma warning disable CS1718 // NaT differs from itself.
        Assert.That(string.Concat(
            dates.SelectMany(x => dates.SelectMany(y => Bits(x == y, x != y, x < y, x <= y, x > y, x >= y)))), Is.EqualTo(seen[0]));
        Assert.That(string.Concat(
            spans.SelectMany(x => spans.SelectMany(y => Bits(x == y, x != y, x < y, x <= y, x > y, x >= y)))), Is.EqualTo(seen[1]));
#pragma warning restore CS1718
        dates.AsSpan().Sort();
        spans.AsSpan().Sort();
        Assert.That(dates.Select(static date => date.Count), Is.EqualTo(JsonSerializer.Deserialize<long[]>(seen[2])));
        Assert.That(spans.Select(static span => span.Count), Is.EqualTo(dates.Select(static date => date.Count)));
        Assert.That(dates.Distinct().Count(), Is.EqualTo(6), "NaT is the same as NaT where values are keys");

        static IEnumerable<char> Bits(params bool[] bits) => bits.Select(static bit => bit ? '1' : '0');
    }

    [Test]
    public void Another_unit_is_another_type()
    {
        using SharedArray<DateTime64<Seconds>> array = SharedArray.Create<DateTime64<Seconds>>(Name, 1);
        Assert.That(
            () => SharedArray.Attach<DateTime64<Milliseconds>>(Name),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("<M8[s]").And.Message.Contains("<M8[ms]"));
        Assert.That(() => SharedArray.Attach<TimeDelta64<Seconds>>(Name), Throws.InstanceOf<InvalidDataException>());
        Assert.That(() => SharedArray.Attach<long>(Name), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void A_unit_that_numpy_lacks_is_refused()
    {
        Assert.That(() => SharedArray.Create<DateTime64<Fortnights>>(Name, 1), Refused());
        Assert.That(() => SharedArray.Create<Holder<TimeDelta64<Fortnights>>>(Name, 1), Refused());

        static NUnit.Framework.Constraints.Constraint Refused()
            => Throws.InstanceOf<NotSupportedException>().With.Message.Contains("'fortnight'");
    }

    [Test]
    public void An_untyped_array_gives_and_takes_the_numbers_of_a_typed_one()
    {
        using SharedArray<DateTime64<Days>> typed = SharedArray.Create<DateTime64<Days>>(Name, 2);
        using UntypedSharedArray any = SharedArray.AttachUntyped(Name);
        any.SetValue(19_782, 0);
        any.SetValue(new DateTime64<Days>(-1), 1);
        Assert.That(typed.Select(static date => date.Count), Is.EqualTo(new[] { 19_782L, -1 }));
        Assert.That(
            (any.GetValue(0), any.GetText(0), any.ToString()),
            Is.EqualTo(((object)typed[0].Count, typed.GetText(0), typed.ToString())));
        Assert.That(typed.GetValue(1), Is.EqualTo(new DateTime64<Days>(-1)));
        Assert.That(() => any.SetValue(new DateTime64<Hours>(1), 0), Throws.InstanceOf<InvalidCastException>());
        Assert.That(() => any.SetValue(new TimeDelta64<Days>(1), 0), Throws.InstanceOf<InvalidCastException>());
        Assert.That(any.As<DateTime64<Days>>()[0], Is.EqualTo(typed[0]));
        Assert.That(any.ElementType, Is.Null);
    }

    [Test]
    public void The_layout_of_SharedArray_keeps_the_numbers_without_the_unit()
    {
        SharedArrayOptions options = new() { Layout = ArrayLayout.PythonSharedArray };
        using SharedArray<DateTime64<Seconds>> array = SharedArray.Create(Name, ArrayContent.Zeros<DateTime64<Seconds>>(1), options);
        array[0] = new(7);
        using SharedArray<DateTime64<Seconds>> again = SharedArray.Attach<DateTime64<Seconds>>(Name);
        using SharedArray<DateTime64<GenericUnit>> generic = SharedArray.Attach<DateTime64<GenericUnit>>(Name);
        Assert.That((again[0].Count, generic[0].Count, generic.DType), Is.EqualTo((7L, 7L, "<M8")));
    }

    [Test]
    public void Records_with_names_that_CSharp_lacks_are_structs_with_named_fields()
    {
        using SharedArray<Quote> array = SharedArray.Create<Quote>(NameOf("csharp"), 2);
        array[1] = new Quote(DateTime64<Nanoseconds>.FromDateTime(DateTime.UnixEpoch.AddDays(1)), 1.5, 2.5f, new(-3));
        array[1].Days[1] = new(4);
        string seen = Python.Run(
            """
            d = [('time stamp', '<M8[ns]'), ('bid price', '<f8'), ('ask-price', '<f4'), ('last.delay', '<m8[25s]'),
                ('Days', '<M8[D]', (2,))]
            a = np.load(sys.argv[1], mmap_mode='r'); print(a.dtype == np.dtype(d), a[1])
            r = np.rec.array([('2024-02-29T12:00', 3, 4, 5, ['NaT', '1969-12-31'])], d); np.save(open(sys.argv[2], 'xb'), r)
            """,
            ShmPathOf(NameOf("csharp")), ShmPathOf(NameOf("numpy")));
        Assert.That(seen, Is.EqualTo("True ('1970-01-02T00:00:00.000000000', 1.5, 2.5, -3, ['1970-01-01', '1970-01-05'])"));

        using SharedArray<Quote> records = SharedArray.Attach<Quote>(NameOf("numpy"));
        Assert.That(records[0].Time.ToDateTime(), Is.EqualTo(new DateTime(2024, 2, 29, 12, 0, 0)));
        Assert.That((records[0].Bid, records[0].Ask, records[0].Delay.ToTimeSpan()), Is.EqualTo((3.0, 4f, TimeSpan.FromSeconds(125))));
        Assert.That((records[0].Days[0].IsNaT, records[0].Days[1].Count), Is.EqualTo((true, -1L)));
    }

    [Test]
    public void Names_of_fields_are_unique_and_not_empty()
    {
        Assert.That(() => SharedArray.Create<Twice>(Name, 1), Refused("two of its fields are called 'Second'"));
        Assert.That(() => SharedArray.Create<Empty>(Name, 1), Refused("'First' no name"));

        static NUnit.Framework.Constraints.Constraint Refused(string reason)
            => Throws.InstanceOf<NotSupportedException>().With.Message.Contains(reason);
    }

    [Test]
    [Category("More")]
    public void Records_of_pandas_attach_as_structs()
    {
        _ = Python.Run(
            """
            import pandas as pd
            index = pd.DatetimeIndex(['2024-02-29T12:00', None], name='time stamp')
            f = pd.DataFrame({'bid price': [1.5, 2], 'delay': pd.to_timedelta(['-1us', None])}, index=index)
            np.save(open(sys.argv[1], 'xb'), f.to_records())
            """, ShmPath);
        using SharedArray<PandasRecord> array = SharedArray.Attach<PandasRecord>(Name);
        Assert.That(array[0].Time.ToDateTime(), Is.EqualTo(new DateTime(2024, 2, 29, 12, 0, 0)));
        Assert.That((array[0].Bid, array[0].Delay.ToTimeSpan()), Is.EqualTo((1.5, TimeSpan.FromMicroseconds(-1))));
        Assert.That((array[1].Time.IsNaT, array[1].Delay.IsNaT), Is.EqualTo((true, true)));

        array[1] = array[0] with { Bid = 7 };
        Assert.That(
            Python.Run("import pandas as pd; print(pd.DataFrame(np.load(sys.argv[1], mmap_mode='r')).iloc[1].tolist())", ShmPath),
            Is.EqualTo("[Timestamp('2024-02-29 12:00:00'), 7.0, Timedelta('-1 days +23:59:59.999999')]"));
    }

    private struct TwentyFiveSeconds : ITimeUnit
    {
        public static string Name => "25s";
    }

    private struct Quarters : ITimeUnit
    {
        public static string Name => "3M";
    }

    private struct LongestWeeks : ITimeUnit
    {
        public static string Name => "2000000000W";
    }

    private struct Fortnights : ITimeUnit
    {
        public static string Name => "fortnight";
    }

    private struct Holder<T>
    {
        public T Inside;
    }

    private struct Twice
    {
        [FieldName("Second")]
        public int First;
        public int Second;
    }

    private struct Empty
    {
        [FieldName("")]
        public int First;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private record struct Quote(
        [field: FieldName("time stamp")] DateTime64<Nanoseconds> Time,
        [field: FieldName("bid price")] double Bid,
        [field: FieldName("ask-price")] float Ask,
        [field: FieldName("last.delay")] TimeDelta64<TwentyFiveSeconds> Delay)
    {
        public InlineArray2<DateTime64<Days>> Days;
    }

    private record struct PandasRecord(
        [field: FieldName("time stamp")] DateTime64<Nanoseconds> Time,
        [field: FieldName("bid price")] double Bid,
        [field: FieldName("delay")] TimeDelta64<Nanoseconds> Delay);
}
