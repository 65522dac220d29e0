using PosixShm.Benchmarks.Measuring;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Rows;

/// <summary>The allocations of operations. Those of inner loops must not allocate.</summary>
internal static class AllocationRows
{
    public static IReadOnlyList<Allocation> All()
    {
        using Scratch scratch = new(Arena.Size);
        SharedArray<double> array = scratch.Array;
        SharedLock shared = array.Lock;
        double[] target = new double[16];
        return
        [
            Allocation.Of("indexer", mustBeNone: true, () => array[1]++),
            Allocation.Of("Span", mustBeNone: true, () => array.Span[1]++),
            Allocation.Of("CopyTo", mustBeNone: true, () => array.CopyTo(target)),
            Allocation.Of("lease", mustBeNone: true, () => array.Acquire().Dispose()),
            Allocation.Of("lock + unlock", mustBeNone: true, () => shared.EnterScope().Dispose()),
            Allocation.Of("signal", mustBeNone: true, () => array.ChangeCounter.Signal()),
            Allocation.Of("attach + detach", mustBeNone: false, () => SharedArray.Attach<double>(scratch.Name).Dispose()),
            Allocation.Of("describe", mustBeNone: false, () => SharedArray.Describe(scratch.Name)),
        ];
    }
}
