using System.Globalization;
using System.Text;

namespace PosixShm.Elements;

/// <summary>Text as a literal of Python.</summary>
internal static class PythonText
{
    /// <summary>Writes text as a literal: as Python's <c>repr</c> does, or as <c>ascii</c> does.</summary>
    public static string Quote(string text, bool isAscii)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        StringBuilder quoted = new StringBuilder().Append(quote);
        for (int i = 0; i < text.Length; i++)
        {
            int code = CodePoint(text, ref i);
            _ = code switch
            {
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                '\\' => quoted.Append("\\\\"),
                _ when code == quote => quoted.Append('\\').Append(quote),
                >= ' ' and <= '~' => quoted.Append((char)code),
                _ when !isAscii && IsPrintable(code) => quoted.Append(char.ConvertFromUtf32(code)),
                <= 0xFF => quoted.Append(CultureInfo.InvariantCulture, $"\\x{code:x2}"),
                <= char.MaxValue => quoted.Append(CultureInfo.InvariantCulture, $"\\u{code:x4}"),
                _ => quoted.Append(CultureInfo.InvariantCulture, $"\\U{code:x8}"),
            };
        }

        return quoted.Append(quote).ToString();
    }

    /// <summary>Returns the code point at a place, and moves the place to the last half of a surrogate pair. An unpaired surrogate is a
    /// code point of its own, as in Python.</summary>
    public static int CodePoint(string text, ref int place)
        => char.IsSurrogatePair(text, place) ? char.ConvertToUtf32(text[place], text[++place]) : text[place];

    // Python's str.isprintable, by the Unicode version of this runtime. The caller handles the space, which is printable.
    private static bool IsPrintable(int code) => CharUnicodeInfo.GetUnicodeCategory(code)
        is not ((>= UnicodeCategory.SpaceSeparator and <= UnicodeCategory.PrivateUse) or UnicodeCategory.OtherNotAssigned);
}
