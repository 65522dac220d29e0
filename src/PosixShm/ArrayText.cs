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
        bool isShort = dimensions.Aggregate(1L, static (count, dimension) => count * dimension) > Threshold;
        List<string> cells = [];
        Visit(0, 0);
        AlignPoints(cells);
        int width = cells.Count == 0 ? 0 : cells.Max(static cell => cell.Length);

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
        IEnumerable<long> Shown(long length)
        {
            bool isCut = isShort && length > 2 * EdgeItems;
            for (long i = 0; i < length; i++)
            {
                if (isCut && i == EdgeItems)
                {
                    yield return -1;
                    i = length - EdgeItems;
                }

                yield return i;
            }
        }
    }

    // numpy puts the points of one array below each other.
    private static void AlignPoints(List<string> cells)
    {
        if (cells.Exists(static cell => cell.Contains('E', StringComparison.Ordinal)))
        {
            return;
        }

        int fraction = cells.Count == 0 ? 0 : cells.Max(FractionOf);
        for (int i = 0; i < cells.Count; i++)
        {
            cells[i] = FractionOf(cells[i]) is int own and > 0 ? cells[i] + new string(' ', fraction - own) : cells[i];
        }

        static int FractionOf(string cell) => cell.IndexOf('.', StringComparison.Ordinal) is int point and >= 0 && double.TryParse(cell, CultureInfo.InvariantCulture, out _) ? cell.Length - point : 0;
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
