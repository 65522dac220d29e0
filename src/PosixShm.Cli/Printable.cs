using System.Globalization;
using System.Text;

namespace PosixShm.Cli;

/// <summary>Escapes foreign text (names, types, units, and messages with them) for a terminal: terminal commands, line breaks, and
/// characters that change the order of the text.</summary>
internal static class Printable
{
    // Joiners only shape letters and emoji.
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

    /// <summary>Returns whether a character is printed unescaped.</summary>
    public static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
        || rune.Value is ZeroWidthNonJoiner or ZeroWidthJoiner;
}
