using System.Globalization;

namespace PosixShm.Elements;

/// <summary>The unit of numpy's dates and time spans, as numpy writes it: <c>[ns]</c>, <c>[25s]</c>, or empty if generic.</summary>
internal static class TimeUnit
{
    /// <summary>The numbers that C's <c>strtol</c> reads, as numpy does.</summary>
    public const NumberStyles Number = NumberStyles.AllowLeadingWhite | NumberStyles.AllowLeadingSign;

    /// <summary>Returns the normal form of a unit in brackets; null if numpy has no such unit.</summary>
    public static string? Normalise(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return string.Empty;
        }

        if (text is not ['[', .. ReadOnlySpan<char> inner, ']'])
        {
            return null;
        }

        int digits = inner.LastIndexOfAnyInRange('0', '9') + 1;
        int factor = 1;
        bool isFactor = digits == 0 || (int.TryParse(inner[..digits], Number, CultureInfo.InvariantCulture, out factor) && factor >= 0);
        string? unit = inner[digits..] switch
        {
            "Y" or "M" or "W" or "D" or "h" or "m" or "s" or "ms" or "us" or "ns" or "ps" or "fs" or "as" or "generic"
                => inner[digits..].ToString(),
            "\u03bcs" => "us",
            _ => null,
        };

        return !isFactor || unit is null ? null
            : unit == "generic" ? string.Empty
            : factor == 1 ? $"[{unit}]" : string.Create(CultureInfo.InvariantCulture, $"[{factor}{unit}]");
    }

    /// <summary>Splits a unit in its normal form; the generic unit has no letters.</summary>
    public static (string Letters, int Factor) Split(string unit)
    {
        ReadOnlySpan<char> inner = unit.AsSpan().Trim("[]");
        ReadOnlySpan<char> letters = inner.TrimStart("0123456789");
        ReadOnlySpan<char> factor = inner[..^letters.Length];
        return (letters.ToString(), factor.IsEmpty ? 1 : int.Parse(factor, CultureInfo.InvariantCulture));
    }
}
