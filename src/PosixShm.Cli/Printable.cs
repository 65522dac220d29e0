using System.Globalization;
using System.Text;

namespace PosixShm.Cli;

/// <summary>Text that others wrote (names, types, units, messages about them) as a terminal may have it: nothing in it is a command to the terminal, a new line, or changes the order of what is read.</summary>
internal static class Printable
{
    // Joiners: they shape letters and emoji, and order nothing.
    private const int ZeroWidthNonJoiner = 0x200C;
    private const int ZeroWidthJoiner = 0x200D;

    public static string Of(string text)
    {
        StringBuilder line = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            // A surrogate without its partner is enumerated as U+FFFD.
            _ = IsPlain(rune) ? line.Append(rune) : line.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}");
        }

        return line.ToString();
    }

    /// <summary>Tells whether a character is only printed.</summary>
    public static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
        || rune.Value is ZeroWidthNonJoiner or ZeroWidthJoiner;
}
