using System.Globalization;

namespace PosixShm.Elements;

/// <summary>numpy's <c>datetime64</c> and <c>timedelta64</c> as text. .NET's dates end with the year 9999, without attoseconds.</summary>
/// <remarks>See https://numpy.org/doc/stable/reference/arrays.datetime.html.</remarks>
internal static class TimeText
{
    /// <summary>The count of numpy's "not a time".</summary>
    public const long NotATime = long.MinValue;

    private const int DaysPerEra = 146_097;
    private const int YearsPerEra = 400;

    // From 0000-03-01 to 1970-01-01.
    private const int DaysToEpoch = 719_468;

    private static readonly string[] s_fractions = ["s", "ms", "us", "ns", "ps", "fs", "as"];

    /// <summary>Writes a date in ISO 8601, as far as its unit goes.</summary>
    /// <param name="count">The number of units since 1970.</param>
    /// <param name="unit">The unit in brackets, possibly with a factor: <c>[ns]</c>, <c>[25s]</c>.</param>
    public static string DateText(long count, string unit)
    {
        if (count == NotATime)
        {
            return "NaT";
        }

        (string letters, int factor) = TimeUnit.Split(unit);
        Int128 units = (Int128)count * factor;
        return letters switch
        {
            "Y" => Year(1970 + units),
            "M" => $"{Year(1970 + Floor(units, 12, out Int128 month))}-{month + 1:00}",
            "W" => Date(units * 7),
            "D" => Date(units),
            "h" => $"{Date(Floor(units, 24, out Int128 hour))}T{hour:00}",
            "m" => $"{Date(Floor(units, 24 * 60, out Int128 minute))}T{minute / 60:00}:{minute % 60:00}",
            _ when Array.IndexOf(s_fractions, letters) is int place and >= 0 => Seconds(units, 3 * place),
            _ => count.ToString(CultureInfo.InvariantCulture),
        };
    }

    /// <summary>Writes a time span: the number of its units.</summary>
    public static string SpanText(long count) => count == NotATime ? "NaT" : count.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(Int128 units, int digits)
    {
        Int128 perSecond = (Int128)Math.Pow(10, digits); // exact, up to attoseconds
        string date = Date(Floor(units, 86_400 * perSecond, out Int128 time));
        Int128 second = time / perSecond;
        string fraction = digits == 0 ? string.Empty : $".{(time % perSecond).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0')}";
        return $"{date}T{second / 3600:00}:{second / 60 % 60:00}:{second % 60:00}{fraction}";
    }

    // Years begin in March here, so that a leap day is the last of its year.
    private static string Date(Int128 days)
    {
        Int128 era = Floor(days + DaysToEpoch, DaysPerEra, out Int128 rest);
        int day = (int)rest;
        int year = (day - (day / 1460) + (day / 36_524) - (day / 146_096)) / 365;
        day -= (365 * year) + (year / 4) - (year / 100);
        int month = ((5 * day) + 2) / 153;
        day -= ((153 * month) + 2) / 5;
        return $"{Year((era * YearsPerEra) + year + (month >= 10 ? 1 : 0))}-{(month + 2) % 12 + 1:00}-{day + 1:00}";
    }

    // As C's %04d: the sign is one of the four.
    private static string Year(Int128 year) => year < 0
        ? $"-{(-year).ToString(CultureInfo.InvariantCulture).PadLeft(3, '0')}"
        : year.ToString(CultureInfo.InvariantCulture).PadLeft(4, '0');

    private static Int128 Floor(Int128 value, Int128 divisor, out Int128 rest)
    {
        rest = ((value % divisor) + divisor) % divisor;
        return (value - rest) / divisor;
    }
}
