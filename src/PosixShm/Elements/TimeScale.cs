using System.Globalization;

namespace PosixShm.Elements;

/// <summary>A unit of numpy's dates and time spans in .NET's ticks of 100 nanoseconds. Every conversion is exact or refused.</summary>
internal sealed class TimeScale
{
    private const int MonthsPerYear = 12;
    private const int EpochYear = 1970;

    private readonly string _name;
    private readonly string? _unit;

    // A unit has _ticks / _parts ticks; a unit of the calendar has _months instead. The generic unit and a factor of 0 have neither.
    private readonly Int128 _ticks;
    private readonly Int128 _parts;
    private readonly Int128 _months;

    public TimeScale(string name)
    {
        _name = name;
        _unit = TimeUnit.Normalise(name.Length == 0 ? name : $"[{name}]");
        (string letters, int factor) = TimeUnit.Split(_unit ?? string.Empty);
        (long Ticks, long Parts) one = letters switch
        {
            "W" => (7 * TimeSpan.TicksPerDay, 1),
            "D" => (TimeSpan.TicksPerDay, 1),
            "h" => (TimeSpan.TicksPerHour, 1),
            "m" => (TimeSpan.TicksPerMinute, 1),
            "s" => (TimeSpan.TicksPerSecond, 1),
            "ms" => (TimeSpan.TicksPerMillisecond, 1),
            "us" => (TimeSpan.TicksPerMicrosecond, 1),
            "ns" => (1, 100),
            "ps" => (1, 100_000),
            "fs" => (1, 100_000_000),
            "as" => (1, 100_000_000_000),
            _ => (0, 1),
        };
        _ticks = (Int128)one.Ticks * factor;
        _parts = one.Parts;
        _months = letters switch { "Y" => MonthsPerYear, "M" => 1, _ => 0 } * (Int128)factor;
    }

    /// <summary>Gets the unit as numpy writes it: <c>[ns]</c>, <c>[25s]</c>.</summary>
    /// <exception cref="NotSupportedException">numpy has no such unit.</exception>
    public string Unit => _unit ?? throw new NotSupportedException(
        $"'{_name}' is not a unit of numpy's dates: use Y, M, W, D, h, m, s, ms, us, ns, ps, fs or as, "
        + "maybe behind a factor, as in '25s'.");

    /// <summary>Returns the ticks of <see cref="DateTime"/> for a date.</summary>
    /// <exception cref="OverflowException">The date is out of range, or not a whole number of ticks.</exception>
    public long DateTicks(long count)
    {
        if (_months == 0)
        {
            Int128? ticks = Ticks(count) + DateTime.UnixEpoch.Ticks;
            return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
                ? (long)ticks
                : throw Inexact(TimeText.DateText(count, Unit), nameof(DateTime));
        }

        Int128 months = ((Int128)count * _months) + (EpochYear * MonthsPerYear);
        return months >= MonthsPerYear && months < (DateTime.MaxValue.Year + 1) * MonthsPerYear
            ? new DateTime((int)(months / MonthsPerYear), (int)(months % MonthsPerYear) + 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks
            : throw Inexact(TimeText.DateText(count, Unit), nameof(DateTime));
    }

    /// <summary>Returns the ticks of <see cref="TimeSpan"/> for a time span.</summary>
    /// <exception cref="OverflowException">The time span is out of range, or not a whole number of ticks.</exception>
    public long SpanTicks(long count) => Ticks(count) is Int128 ticks && ticks >= long.MinValue && ticks <= long.MaxValue
        ? (long)ticks
        : throw Inexact($"{TimeText.SpanText(count)}{Unit}", nameof(TimeSpan));

    /// <summary>Returns the units of a date in UTC.</summary>
    /// <exception cref="OverflowException">The number of units is not an integer, or does not fit.</exception>
    public long DateCount(DateTime date)
    {
        bool isMonth = date.Day == 1 && date.TimeOfDay == TimeSpan.Zero;
        long? count = _months == 0 ? Count(date.Ticks - DateTime.UnixEpoch.Ticks)
            : isMonth ? Divide(((date.Year - EpochYear) * MonthsPerYear) + date.Month - 1, _months)
            : null;
        return count ?? throw Inexact(date.ToString("o", CultureInfo.InvariantCulture), $"datetime64{Unit}");
    }

    /// <summary>Returns the units of a time span.</summary>
    /// <exception cref="OverflowException">The number of units is not an integer, or does not fit.</exception>
    public long SpanCount(TimeSpan span)
        => Count(span.Ticks) ?? throw Inexact(span.ToString("c", CultureInfo.InvariantCulture), $"timedelta64{Unit}");

    // Null if the count is NaT, or the ticks are not whole or too many for an Int128. (No .NET time has so many.)
    private Int128? Ticks(long count)
    {
        ThrowIfNoLength();
        Int128 most = ((Int128)1 << 63) * _parts / _ticks;
        return count != TimeText.NotATime && Int128.Abs(count) <= most && count * _ticks % _parts == 0 ? count * _ticks / _parts : null;
    }

    private long? Count(long ticks)
    {
        ThrowIfNoLength();
        return Divide(ticks * _parts, _ticks);
    }

    private static long? Divide(Int128 dividend, Int128 divisor)
    {
        (Int128 count, Int128 rest) = Int128.DivRem(dividend, divisor);
        return rest == 0 && count > TimeText.NotATime && count <= long.MaxValue ? (long)count : null;
    }

    private void ThrowIfNoLength()
    {
        if (_ticks == 0)
        {
            throw new NotSupportedException($"The unit '{Unit}' has no fixed length, so its counts are not times of .NET.");
        }
    }

    private static OverflowException Inexact(string value, string target) => new($"{value} has no exact equal of type {target}.");
}
