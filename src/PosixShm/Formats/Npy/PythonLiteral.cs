using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace PosixShm.Formats;

/// <summary>A tuple or a list of Python: to numpy, fields are a list and a sub-array is a tuple.</summary>
internal sealed record PythonSequence(ImmutableArray<object> Items, bool IsTuple);

/// <summary>
/// Reads the part of Python's literal syntax that an .npy header is written in: text (u'...' of Python 2, too), whole numbers, True and False, tuples and lists.
/// Pure: a wrong input is a refusal, never an exception, and nesting is bounded. Whoever knows what comes next asks for just that,
/// which takes nothing from the heap: a listing reads thousands.
/// </summary>
internal ref struct PythonLiteral(ReadOnlySpan<char> text)
{
    /// <summary>The most brackets around a value. Python's parser reads 200, of which the dictionary's is one.</summary>
    public const int MaxDepth = 199;

    private readonly ReadOnlySpan<char> _text = text;
    private int _position;

    /// <summary>Gets whether a value was refused because it is in more than <see cref="MaxDepth"/> brackets.</summary>
    public bool IsTooDeep { get; private set; }

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

    // As str.isprintable has it, by the Unicode version of this runtime.
    private static bool IsPrintable(int code) => CharUnicodeInfo.GetUnicodeCategory(code)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>Gives the code point at a place, which moves to its last half. As to Python, half a surrogate pair by itself is one, too.</summary>
    public static int CodePoint(string text, ref int place)
        => char.IsSurrogatePair(text, place) ? char.ConvertToUtf32(text[place], text[++place]) : text[place];

    /// <summary>Tells whether nothing is left but white space.</summary>
    public bool IsAtEnd()
    {
        SkipSpace();
        return _position == _text.Length;
    }

    /// <summary>Goes past one character, white space before it included, if it is the next.</summary>
    public bool Take(char expected)
    {
        SkipSpace();
        bool taken = _position < _text.Length && _text[_position] == expected;
        _position += taken ? 1 : 0;
        return taken;
    }

    /// <summary>Tells whether a text is next.</summary>
    public bool IsText()
    {
        SkipSpace();
        return _text[_position..] is ['\'' or '"', ..] or ['u' or 'U', '\'' or '"', ..];
    }

    /// <summary>Reads a text: a part of what is read, unless it has escapes.</summary>
    public bool TryReadText(out ReadOnlySpan<char> value)
    {
        value = default;
        if (!IsText())
        {
            return false;
        }

        _position += _text[_position] is 'u' or 'U' ? 1 : 0;
        char quote = _text[_position];
        ReadOnlySpan<char> rest = _text[(_position + 1)..];
        int end = rest.IndexOfAny(quote, '\\');
        if (end >= 0 && rest[end] == quote)
        {
            value = rest[..end];
            _position += end + 2;
            return true;
        }

        _position++;
        string? text = EscapedText(quote);
        value = text;
        return text is not null;
    }

    /// <summary>Reads a whole number.</summary>
    public bool TryReadNumber(out long value)
    {
        SkipSpace();
        int start = _position;
        _position += _position < _text.Length && _text[_position] == '-' ? 1 : 0;
        while (_position < _text.Length && char.IsAsciiDigit(_text[_position]))
        {
            _position++;
        }

        bool isNumber = long.TryParse(_text[start.._position], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

        // numpy on Python 2 wrote long integers as 10L.
        if (isNumber && _position < _text.Length && _text[_position] == 'L')
        {
            _position++;
        }

        return isNumber;
    }

    /// <summary>Reads True or False.</summary>
    public bool TryReadTruth(out bool value)
    {
        SkipSpace();
        int start = _position;
        while (_position < _text.Length && char.IsAsciiLetter(_text[_position]))
        {
            _position++;
        }

        value = _text[start.._position] is "True";
        return value || _text[start.._position] is "False";
    }

    /// <summary>Reads a tuple of whole numbers.</summary>
    /// <param name="values">Where to; what has no room there is left out.</param>
    /// <param name="count">How many there are.</param>
    public bool TryReadNumbers(scoped Span<long> values, out int count)
    {
        count = 0;
        if (!Take('('))
        {
            return false;
        }

        bool comma = true;
        while (!Take(')'))
        {
            if (!comma || !TryReadNumber(out long value))
            {
                return false;
            }

            if (count < values.Length)
            {
                values[count] = value;
            }

            count++;
            comma = Take(',');
        }

        // "(x)" is x in brackets, not a tuple.
        return count != 1 || comma;
    }

    /// <summary>Reads whatever is next: text as a string, a number as a long, a truth as a bool, a tuple or list as a <see cref="PythonSequence"/>.</summary>
    public object? ReadValue(int depth = 0)
    {
        if (IsText())
        {
            return TryReadText(out ReadOnlySpan<char> text) ? text.ToString() : null;
        }

        if (_position == _text.Length)
        {
            return null;
        }

        return _text[_position] switch
        {
            '(' => Items(')', depth),
            '[' => Items(']', depth),
            '-' or (>= '0' and <= '9') => TryReadNumber(out long number) ? number : null,
            _ => TryReadTruth(out bool truth) ? truth : null,
        };
    }

    private object? Items(char end, int depth)
    {
        if (depth == MaxDepth)
        {
            IsTooDeep = true;
            return null;
        }

        _position++;
        ImmutableArray<object>.Builder items = ImmutableArray.CreateBuilder<object>();
        bool comma = true;
        while (!Take(end))
        {
            if (!comma || ReadValue(depth + 1) is not object item)
            {
                return null;
            }

            items.Add(item);
            comma = Take(',');
        }

        // "(x)" is x in brackets, not a tuple.
        return end == ')' && items.Count == 1 && !comma ? items[0] : new PythonSequence(items.ToImmutable(), IsTuple: end == ')');
    }

    // The first quote is behind us.
    private string? EscapedText(char quote)
    {
        StringBuilder text = new();
        while (_position < _text.Length)
        {
            char c = _text[_position++];
            if (c == quote)
            {
                return text.ToString();
            }

            if ((c == '\\' ? Escape() : c.ToString()) is not string part)
            {
                return null;
            }

            _ = text.Append(part);
        }

        return null;
    }

    private string? Escape()
    {
        char c = _position < _text.Length ? _text[_position++] : default;
        return c switch
        {
            '\\' or '\'' or '"' => c.ToString(),
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'x' => Code(2),
            'u' => Code(4),
            'U' => Code(8),
            _ => null,
        };
    }

    private string? Code(int digits)
    {
        if (_text.Length - _position < digits
            || !int.TryParse(_text.Slice(_position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code))
        {
            return null;
        }

        _position += digits;
        return code is >= 0 and <= char.MaxValue ? ((char)code).ToString()
            : Rune.TryCreate(code, out Rune rune) ? rune.ToString() : null;
    }

    private void SkipSpace()
    {
        // On locals, since it comes before every token.
        ReadOnlySpan<char> text = _text;
        int position = _position;
        while ((uint)position < (uint)text.Length && text[position] is ' ' or '\n' or '\r' or '\t')
        {
            position++;
        }

        _position = position;
    }
}
