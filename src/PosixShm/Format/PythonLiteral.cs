using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace PosixShm.Format;

/// <summary>
/// Reads the part of Python's literal syntax that an .npy header is written in: text, whole numbers, True and False, tuples, lists
/// and dictionaries. Pure: a wrong input is a null, never an exception, and nesting is bounded.
/// </summary>
internal ref struct PythonLiteral
{
    // numpy nests a structured type once per level of structs; nobody writes this many.
    private const int MaxDepth = 32;

    private readonly ReadOnlySpan<char> _text;
    private int _position;

    private PythonLiteral(ReadOnlySpan<char> text) => _text = text;

    /// <summary>Reads one literal that is the whole text but for white space. Text is a string, a number a long, a truth a bool,
    /// a tuple or list an <see cref="ImmutableArray{T}"/> of object, a dictionary a dictionary by text.</summary>
    public static object? TryParse(ReadOnlySpan<char> text)
    {
        PythonLiteral reader = new(text);
        object? value = reader.Value(0);
        reader.SkipSpace();
        return reader._position == text.Length ? value : null;
    }

    /// <summary>Writes text as a literal.</summary>
    public static string Quote(string text)
    {
        StringBuilder quoted = new("'");
        foreach (char c in text)
        {
            _ = c switch
            {
                '\'' or '\\' => quoted.Append('\\').Append(c),
                < ' ' or > '~' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('\'').ToString();
    }

    private object? Value(int depth)
    {
        SkipSpace();
        if (depth > MaxDepth || _position == _text.Length)
        {
            return null;
        }

        return _text[_position] switch
        {
            '\'' or '"' => Text(),
            '(' => Items(')', depth),
            '[' => Items(']', depth),
            '{' => Dictionary(depth),
            '-' or (>= '0' and <= '9') => Number(),
            _ => Word(),
        };
    }

    private object? Items(char end, int depth)
    {
        _position++;
        ImmutableArray<object>.Builder items = ImmutableArray.CreateBuilder<object>();
        bool comma = true;
        while (!Take(end))
        {
            if (!comma || Value(depth + 1) is not object item)
            {
                return null;
            }

            items.Add(item);
            comma = Take(',');
        }

        // "(x)" is x in brackets, not a tuple.
        return end == ')' && items.Count == 1 && !comma ? items[0] : items.ToImmutable();
    }

    private Dictionary<string, object>? Dictionary(int depth)
    {
        _position++;
        Dictionary<string, object> entries = [];
        bool comma = true;
        while (!Take('}'))
        {
            if (!comma || Value(depth + 1) is not string key || !Take(':') || Value(depth + 1) is not object value || !entries.TryAdd(key, value))
            {
                return null;
            }

            comma = Take(',');
        }

        return entries;
    }

    private object? Number()
    {
        int start = _position++;
        while (_position < _text.Length && char.IsAsciiDigit(_text[_position]))
        {
            _position++;
        }

        object? number = long.TryParse(_text[start.._position], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;

        // numpy on Python 2 wrote long integers as 10L.
        if (_position < _text.Length && _text[_position] == 'L')
        {
            _position++;
        }

        return number;
    }

    private object? Word()
    {
        int start = _position;
        while (_position < _text.Length && char.IsAsciiLetter(_text[_position]))
        {
            _position++;
        }

        return _text[start.._position] switch { "True" => true, "False" => false, _ => null };
    }

    private string? Text()
    {
        char quote = _text[_position++];
        ReadOnlySpan<char> rest = _text[_position..];
        int plain = rest.IndexOfAny(quote, '\\');
        if (plain >= 0 && rest[plain] == quote)
        {
            _position += plain + 1;
            return rest[..plain].ToString();
        }

        StringBuilder text = new();
        while (_position < _text.Length)
        {
            char c = _text[_position++];
            if (c == quote)
            {
                return text.ToString();
            }

            if (c == '\\')
            {
                if (Escape() is not string escaped)
                {
                    return null;
                }

                _ = text.Append(escaped);
            }
            else
            {
                _ = text.Append(c);
            }
        }

        return null;
    }

    private string? Escape()
    {
        if (_position == _text.Length)
        {
            return null;
        }

        char c = _text[_position++];
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
        return Rune.IsValid(code) ? new Rune(code).ToString() : null;
    }

    private bool Take(char expected)
    {
        SkipSpace();
        bool taken = _position < _text.Length && _text[_position] == expected;
        _position += taken ? 1 : 0;
        return taken;
    }

    private void SkipSpace()
    {
        while (_position < _text.Length && _text[_position] is ' ' or '\n' or '\r' or '\t')
        {
            _position++;
        }
    }
}
