namespace PosixShm.Benchmarks.Measuring;

/// <summary>The bytes that an operation allocates on the garbage-collected heap.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Bytes">The bytes per operation.</param>
/// <param name="MustBeNone">Whether the operation must not allocate.</param>
internal sealed record Allocation(string Operation, double Bytes, bool MustBeNone)
{
    public bool IsMet => !MustBeNone || Bytes == 0;

    /// <summary>Measures an operation.</summary>
    public static Allocation Of(string operation, bool mustBeNone, Action work)
    {
        const int Count = 2_000;
        const int Rounds = 10;

        // The minimum of all rounds, because the runtime allocates in the rounds in which it compiles the work again.
        double least = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Repeat(work, Count);
            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Count);
        }

        return new Allocation(operation, least, mustBeNone);
    }

    private static void Repeat(Action work, int count)
    {
        for (int i = 0; i < count; i++)
        {
            work();
        }
    }
}
