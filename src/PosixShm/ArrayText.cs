using System.Globalization;
using System.Text;

namespace PosixShm;

/// <summary>Writes arrays as numpy prints them: brackets by dimension, columns aligned, in short beyond 1,000 elements.</summary>
internal static class ArrayText
{
    // numpy's own: printoptions threshold and edgeitems.
    private const long Threshold = 1000;
    private const long EdgeItems = 3;

    public static string Of(ReadOnlySpan<long> shape, Func<long, object> element)
    {
        long[] dimensions = shape.ToArray();
        long length = dimensions.Aggregate(1L, static (count, dimension) => count * dimension);
        if (length == 0)
        {
            return "[]";
        }

        bool isShort = length > Threshold;
        List<string> cells = [];
        Visit(0, 0);
        int width = cells.Max(static cell => cell.Length);

        StringBuilder text = new();
        int next = 0;
        Write(0, 0);
        return text.ToString();

        void Visit(int depth, long offset)
        {
            if (depth == dimensions.Length)
            {
                cells.Add(Format(element(offset)));
                return;
            }

            foreach (long i in Shown(dimensions[depth]).Where(static i => i >= 0))
            {
                Visit(depth + 1, (offset * dimensions[depth]) + i);
            }
        }

        void Write(int depth, long offset)
        {
            if (depth == dimensions.Length)
            {
                _ = text.Append(dimensions.Length == 0 ? cells[next++] : cells[next++].PadLeft(width));
                return;
            }

            _ = text.Append('[');
            bool isFirst = true;
            bool isInnermost = depth == dimensions.Length - 1;
            foreach (long i in Shown(dimensions[depth]))
            {
                if (!isFirst)
                {
                    // A blank line for each further dimension between, and the brackets that are open.
                    _ = isInnermost ? text.Append(' ') : text.Append('\n', dimensions.Length - depth - 1).Append(' ', depth + 1);
                }

                isFirst = false;
                if (i < 0)
                {
                    _ = text.Append("...");
                }
                else
                {
                    Write(depth + 1, (offset * dimensions[depth]) + i);
                }
            }

            _ = text.Append(']');
        }

        // -1 stands for what is left out.
        IEnumerable<long> Shown(long count)
        {
            bool isCut = isShort && count > 2 * EdgeItems;
            for (long i = 0; i < count; i++)
            {
                if (isCut && i == EdgeItems)
                {
                    yield return -1;
                    i = count - EdgeItems;
                }

                yield return i;
            }
        }
    }

    private static string Format(object value) => value switch
    {
        double number => Dotted(number.ToString("R", CultureInfo.InvariantCulture)),
        float number => Dotted(number.ToString("R", CultureInfo.InvariantCulture)),
        Half number => Dotted(number.ToString("R", CultureInfo.InvariantCulture)),
        string text => $"'{text}'",
        byte[] bytes => Convert.ToHexString(bytes),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? string.Empty,
    };

    // numpy writes "1." for a float without a fraction, "nan" and "inf" for what is no number.
    private static string Dotted(string number) => number switch
    {
        "NaN" => "nan",
        "Infinity" => "inf",
        "-Infinity" => "-inf",
        _ when number.AsSpan().ContainsAny('.', 'E') => number,
        _ => number + ".",
    };
}
