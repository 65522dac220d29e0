namespace PosixShm.Benchmarks.Measuring;

/// <summary>What an operation takes from the garbage-collected heap.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Bytes">Bytes for each.</param>
/// <param name="MustBeNone">Whether any is too much.</param>
internal sealed record Allocation(string Operation, double Bytes, bool MustBeNone)
{
    public bool IsMet => !MustBeNone || Bytes == 0;

    /// <summary>Measures an operation.</summary>
    public static Allocation Of(string operation, bool mustBeNone, Action work)
    {
        const int Count = 2_000;
        const int Rounds = 10;

        // The least of all rounds: in some, the runtime allocates for itself while it compiles the work anew.
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
