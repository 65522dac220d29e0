using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>The same two loops over elements in different kinds of memory.</summary>
internal static class Loops
{
    // All loops are compiled once and in the same way. Otherwise the JIT compiler may optimize them differently.
    private const MethodImplOptions Compiled = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    [MethodImpl(Compiled)]
    public static double Sum(ReadOnlySpan<double> elements)
    {
        double sum = 0;
        for (int i = 0; i < elements.Length; i++)
        {
            sum += elements[i];
        }

        return sum;
    }

    [MethodImpl(Compiled)]
    public static double Sum(double[] elements)
    {
        double sum = 0;
        for (int i = 0; i < elements.Length; i++)
        {
            sum += elements[i];
        }

        return sum;
    }

    [MethodImpl(Compiled)]
    public static double Sum(SharedArray<double> elements)
    {
        double sum = 0;
        for (long i = 0; i < elements.Length; i++)
        {
            sum += elements[i];
        }

        return sum;
    }

    [MethodImpl(Compiled)]
    public static double Sum(MemoryMappedViewAccessor elements, int count)
    {
        double sum = 0;
        for (long i = 0; i < count; i++)
        {
            sum += elements.ReadDouble(i * sizeof(double));
        }

        return sum;
    }

    [MethodImpl(Compiled)]
    public static void Increment(Span<double> elements)
    {
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i]++;
        }
    }

    [MethodImpl(Compiled)]
    public static void Increment(double[] elements)
    {
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i]++;
        }
    }

    [MethodImpl(Compiled)]
    public static void Increment(SharedArray<double> elements)
    {
        for (long i = 0; i < elements.Length; i++)
        {
            elements[i]++;
        }
    }

    [MethodImpl(Compiled)]
    public static void Increment(MemoryMappedViewAccessor elements, int count)
    {
        for (long i = 0; i < count; i++)
        {
            elements.Write(i * sizeof(double), elements.ReadDouble(i * sizeof(double)) + 1);
        }
    }
}
