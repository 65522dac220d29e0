using System.Globalization;

namespace PosixShm.Format;

/// <summary>Shapes as Python writes them: <c>()</c>, <c>(5,)</c>, <c>(2, 3)</c>.</summary>
internal static class ShapeText
{
    public static string Of(ReadOnlySpan<long> shape)
    {
        string[] numbers = new string[shape.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = shape[i].ToString(CultureInfo.InvariantCulture);
        }

        return numbers.Length == 1 ? $"({numbers[0]},)" : $"({string.Join(", ", numbers)})";
    }

    /// <summary>Gives the number of digits of a dimension.</summary>
    public static int Digits(long dimension)
    {
        int digits = 1;
        for (; dimension >= 10; dimension /= 10)
        {
            digits++;
        }

        return digits;
    }
}
