using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace PosixShm.Formats;

/// <summary>A tuple or a list of Python. In numpy, the fields of a structure are a list, and a sub-array is a tuple.</summary>
internal sealed record PythonSequence(ImmutableArray<object> Items, bool IsTuple);

/// <summary>Reads the part of Python's literal syntax that .npy headers use: text (u'...' of Python 2, too), integers, True and False,
/// tuples and lists. The reader is pure: it refuses wrong input without an exception, and nesting is bounded. The methods for one kind of
/// value allocate nothing on the heap, since a listing reads thousands of headers.</summary>
internal ref struct PythonLiteral(ReadOnlySpan<char> text)
{
    /// <summary>The most brackets around a value. Python's parser reads 200, of which the dictionary's is one.</summary>
    public const int MaxDepth = 199;

    private readonly ReadOnlySpan<char> _text = text;
    private int _position;

    /// <summary>Gets whether a value was refused because it is in more than <see cref="MaxDepth"/> brackets.</summary>
    public bool IsTooDeep { get; private set; }

    /// <summary>Returns whether only white space is left.</summary>
    public bool IsAtEnd()
    {
        SkipSpace();
        return _position == _text.Length;
    }

    /// <summary>Consumes white space, and then one character if it is the expected one. Returns whether it was.</summary>
    public bool Take(char expected)
    {
        SkipSpace();
        bool taken = _position < _text.Length && _text[_position] == expected;
        _position += taken ? 1 : 0;
        return taken;
    }

    /// <summary>Returns whether a text is next.</summary>
    public bool IsText()
    {
        SkipSpace();
        return _text[_position..] is ['\'' or '"', ..] or ['u' or 'U', '\'' or '"', ..];
    }

    /// <summary>Reads a text. The value is a slice of the input, unless it has escapes.</summary>
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

    /// <summary>Reads an integer.</summary>
    public bool TryReadNumber(out long value)
    {
        SkipSpace();
        ReadOnlySpan<char> rest = _text[_position..];
        ReadOnlySpan<char> behind = rest.TrimStart('-').TrimStart("0123456789");
        bool isNumber = long.TryParse(rest[..^behind.Length], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

        // numpy on Python 2 wrote long integers as 10L.
        _position = _text.Length - behind.Length + (isNumber && behind is ['L', ..] ? 1 : 0);
        return isNumber;
    }

    /// <summary>Reads True or False.</summary>
    public bool TryReadTruth(out bool value)
    {
        SkipSpace();
        ReadOnlySpan<char> rest = _text[_position..];
        value = rest.StartsWith("True");
        bool isTruth = value || rest.StartsWith("False");
        _position += !isTruth ? 0 : value ? "True".Length : "False".Length;
        return isTruth;
    }

    /// <summary>Reads a tuple of integers.</summary>
    /// <param name="values">The numbers, as many as have room there.</param>
    /// <param name="count">The length of the tuple.</param>
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

    /// <summary>Reads the next value: text as a string, a number as a long, a truth value as a bool, and a tuple or list as a
    /// <see cref="PythonSequence"/>.</summary>
    public object? ReadValue(int depth = 0)
    {
        if (IsText())
        {
            return TryReadText(out ReadOnlySpan<char> text) ? text.ToString() : null;
        }

        return (_position < _text.Length ? _text[_position] : default) switch
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

    // The position is behind the first quote.
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
        // Works on locals for speed: white space is skipped before every token.
        ReadOnlySpan<char> text = _text;
        int position = _position;
        while ((uint)position < (uint)text.Length && text[position] is ' ' or '\n' or '\r' or '\t')
        {
            position++;
        }

        _position = position;
    }
}
