using System.Collections.Immutable;
using PosixShm.Format;

namespace PosixShm;

/// <summary>
/// Writes arrays as numpy prints them: brackets by dimension, columns aligned (on the right, not at the decimal point), the middle left out of large ones. Nothing is
/// kept: for the width of the columns, each element is looked at twice.
/// </summary>
/// <param name="shape">The length of each dimension.</param>
/// <param name="isShort">Whether to leave the middle out.</param>
/// <param name="element">Writes the element at a place in C order.</param>
internal sealed class ArrayText(ImmutableArray<long> shape, bool isShort, Func<long, string> element)
{
    /// <summary>The most elements that are written in full: numpy's own <c>threshold</c> of its print options.</summary>
    public const long Threshold = 1000;

    // numpy's edgeitems.
    private const long EdgeItems = 3;

    private int _width;

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
        }

        Write(writer, 0, 0);
    }

    private void Measure(int depth, long offset)
    {
        if (depth == shape.Length)
        {
            _width = Math.Max(_width, element(offset).Length);
            return;
        }

        for (long i = 0; i < shape[depth]; i++)
        {
            i = IsGap(depth, i) ? shape[depth] - EdgeItems : i;
            Measure(depth + 1, (offset * shape[depth]) + i);
        }
    }

    private void Write(TextWriter writer, int depth, long offset)
    {
        if (depth == shape.Length)
        {
            writer.Write(element(offset).PadLeft(_width));
            return;
        }

        writer.Write('[');
        for (long i = 0; i < shape[depth]; i++)
        {
            if (i > 0)
            {
                WriteSeparator(writer, depth);
            }

            if (IsGap(depth, i))
            {
                writer.Write("...");
                WriteSeparator(writer, depth);
                i = shape[depth] - EdgeItems;
            }

            Write(writer, depth + 1, (offset * shape[depth]) + i);
        }

        writer.Write(']');
    }

    private bool IsGap(int depth, long i) => isShort && i == EdgeItems && shape[depth] > 2 * EdgeItems;

    // A blank line for each further dimension between, and room for the brackets that are open.
    private void WriteSeparator(TextWriter writer, int depth)
    {
        if (depth == shape.Length - 1)
        {
            writer.Write(' ');
            return;
        }

        writer.Write(new string('\n', shape.Length - depth - 1));
        writer.Write(new string(' ', depth + 1));
    }
}
