using System.Collections.Immutable;
using PosixShm.Elements;

namespace PosixShm;

/// <summary>Writes arrays as numpy prints them: in brackets by dimension, in aligned columns, and without the middle of large arrays. Each
/// element is read twice, first for the width of the columns, because the text is not kept.</summary>
/// <param name="shape">The length of each dimension.</param>
/// <param name="isShort">Whether the middle is omitted.</param>
/// <param name="element">Returns the text of the element at an index in C order.</param>
internal sealed class ArrayText(ImmutableArray<long> shape, bool isShort, Func<long, string> element)
{
    /// <summary>The most elements that are written in full, as numpy's print option <c>threshold</c>.</summary>
    public const long Threshold = 1000;

    // numpy's edgeitems, and the most elements of a shortened array. Even 40 dimensions of 2, which have no middle, stay below it.
    private const long EdgeItems = 3;
    private const long MaxShortened = 1_000_000;

    private readonly long _edge = isShort ? Edge(shape) : 0;
    private int _width;
    private int _whole;
    private int _fraction;

    public void Write(TextWriter writer, bool isAligned)
    {
        if (ShapeMath.Product(shape.AsSpan()) == 0)
        {
            writer.Write("[]");
            return;
        }

        if (isAligned && shape.Length > 0)
        {
            Measure(0, 0);
            _width = Math.Max(_width, _whole + _fraction);
        }

        Write(writer, 0, 0);
    }

    private void Measure(int depth, long offset)
    {
        if (depth == shape.Length)
        {
            string text = element(offset);
            int point = PointOf(text);
            _whole = Math.Max(_whole, point);
            _fraction = Math.Max(_fraction, point < 0 ? 0 : text.Length - point);
            _width = Math.Max(_width, text.Length);
            return;
        }

        foreach (long i in Places(depth).Where(static place => place >= 0))
        {
            Measure(depth + 1, (offset * shape[depth]) + i);
        }
    }

    private void Write(TextWriter writer, int depth, long offset)
    {
        if (depth == shape.Length)
        {
            string text = element(offset);
            int missing = PointOf(text) is int point and >= 0 ? _fraction - (text.Length - point) : 0;
            writer.Write((text + new string(' ', Math.Max(missing, 0))).PadLeft(_width));
            return;
        }

        writer.Write('[');
        string separator = string.Empty;
        foreach (long i in Places(depth))
        {
            writer.Write(separator);
            separator = Separator(depth);
            if (i < 0)
            {
                writer.Write("...");
            }
            else
            {
                Write(writer, depth + 1, (offset * shape[depth]) + i);
            }
        }

        writer.Write(']');
    }

    // Returns the index of a real number's point, by which columns are aligned; -1 for other text.
    private static int PointOf(string text)
        => text is ['-' or (>= '0' and <= '9'), ..] and [.., '.' or (>= '0' and <= '9')] && !text.Contains('e', StringComparison.Ordinal)
            ? text.IndexOf('.', StringComparison.Ordinal)
            : -1;

    // Returns the indices along a dimension that are written; -1 stands for the omitted middle.
    private IEnumerable<long> Places(int depth)
    {
        for (long i = 0; i < shape[depth]; i++)
        {
            bool isGap = isShort && i == _edge && shape[depth] > 2 * _edge;
            yield return isGap ? -1 : i;
            i = isGap ? shape[depth] - _edge - 1 : i;
        }
    }

    private static long Edge(ImmutableArray<long> shape)
    {
        long edge = EdgeItems;
        while (edge > 0 && shape.Aggregate(1.0, (count, length) => count * Math.Min(length, 2 * edge)) > MaxShortened)
        {
            edge--;
        }

        return edge;
    }

    // Starts a new line, with a blank line for each further dimension that ends and a space for each open bracket.
    private string Separator(int depth)
        => depth == shape.Length - 1 ? " " : new string('\n', shape.Length - depth - 1) + new string(' ', depth + 1);
}
