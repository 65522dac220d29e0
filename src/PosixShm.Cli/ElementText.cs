namespace PosixShm.Cli;

/// <summary>An array's elements as numpy prints them: brackets by dimension, and only the ends of long dimensions of a large array.</summary>
internal sealed class ElementText(TextWriter writer, SharedArray array, ElementKind kind, bool all)
{
    public const int MostElements = 1000;

    private const int Ends = 3;

    private readonly bool _onlyEnds = !all && array.Length > MostElements;

    public void Write()
    {
        if (array.Length == 0)
        {
            writer.Write("[]");
        }
        else
        {
            Write(dimension: 0, first: 0, count: array.Length);
        }

        writer.WriteLine();
    }

    // The elements [first, first + count) are those of one place in the dimensions before this one.
    private void Write(int dimension, long first, long count)
    {
        if (dimension == array.Rank)
        {
            kind.WriteText(writer, array, first);
            return;
        }

        long length = array.Shape[dimension];
        long part = count / length;
        writer.Write('[');
        for (long i = 0; i < length; i++)
        {
            if (i > 0)
            {
                WriteSeparator(dimension);
            }

            if (_onlyEnds && i == Ends && length > 2 * Ends)
            {
                writer.Write("...");
                i = length - Ends - 1;
                continue;
            }

            Write(dimension + 1, first + (i * part), part);
        }

        writer.Write(']');
    }

    private void WriteSeparator(int dimension)
    {
        if (dimension == array.Rank - 1)
        {
            writer.Write(' ');
            return;
        }

        writer.WriteLine();
        for (int i = 0; i <= dimension; i++)
        {
            writer.Write(' ');
        }
    }
}
