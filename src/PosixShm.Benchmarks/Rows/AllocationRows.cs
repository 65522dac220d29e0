using System.Diagnostics;
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
        IReadOnlyList<Allocation> all =
        [
            Allocation.Of("indexer", mustBeNone: true, () => array[1]++),
            Allocation.Of("Span", mustBeNone: true, () => array.Span[1]++),
            Allocation.Of("CopyTo", mustBeNone: true, () => array.CopyTo(target)),
            Allocation.Of("lease", mustBeNone: true, () => array.Acquire().Dispose()),
            Allocation.Of("lock + unlock", mustBeNone: true, () => shared.EnterScope().Dispose()),
            Allocation.Of("signal", mustBeNone: true, () => array.ChangeCounter.Signal()),
            Allocation.Of("EnterAsync + Dispose, free lock", mustBeNone: true, () => EnterFree(shared)),
            Allocation.Of("asynchronous wait for a change, not over", mustBeNone: false, () => Wait(array.ChangeCounter)),
            Allocation.Of("attach + detach", mustBeNone: false, () => SharedArray.Attach<double>(scratch.Name).Dispose()),
            Allocation.Of("describe", mustBeNone: false, () => SharedArray.Describe(scratch.Name)),
        ];

        // Ends the asynchronous waits.
        _ = array.ChangeCounter.Signal();
        return all;
    }

    private static void EnterFree(SharedLock shared)
    {
        ValueTask<SharedLockReleaser> entry = shared.EnterAsync();
        if (entry.IsCompletedSuccessfully)
        {
            entry.Result.Dispose();
        }
    }

    // Two thousand times and more: the waits end with the next signal.
    private static void Wait(ChangeCounter counter)
    {
        ValueTask<uint> wait = counter.WaitAsync(counter.Count);
        Debug.Assert(!wait.IsCompleted, "nobody signals");
    }
}
