using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Reads of snapshots while no process writes, against copies without the protocol.</summary>
internal static class SnapshotRows
{
    private const string Protocol = "C, the same protocol";

    /// <summary>Measures a copy that takes a few nanoseconds. All contenders but the first one do more than that besides, so the row has no
    /// gate.</summary>
    public static RowResult OfLine(Contest contest) => Read(contest, "snapshot of 64 B", 64, []);

    public static RowResult OfPage(Contest contest) => Read(contest, "snapshot of 4 KiB", 4 << 10, [new Gate(1.1, Protocol)]);

    public static RowResult OfMebibyte(Contest contest) => Read(contest, "snapshot of 1 MiB", 1 << 20, [new Gate(1.1)]);

    private static RowResult Read(Contest contest, string name, int bytes, Gate[] gates)
    {
        using Scratch scratch = new(bytes);
        using Scratch ofTwin = new(bytes + 64);
        double[] target = new double[bytes / sizeof(double)];
        _ = scratch.Array.Publish(target);
        return contest.Stage.Measure(
            name,
            [
                contest.Twin.Contender("C memcpy", "copy", ofTwin.Path, bytes),
                Contender.Timed(Contender.Ours, count => ReadSnapshots(scratch.Array, target, count)),
                contest.Twin.Contender(Protocol, "snapshot-read", ofTwin.Path, bytes),
                Contender.Timed("PosixShm, CopyTo", count => Copy(scratch.Array, target, count)),
            ],
            gates);
    }

    private static void ReadSnapshots(SharedArray<double> array, double[] target, long count)
    {
        for (long i = 0; i < count; i++)
        {
            if (!array.TryReadSnapshot(target, out _))
            {
                throw new InvalidOperationException("Another process writes.");
            }
        }
    }

    private static void Copy(SharedArray<double> array, double[] target, long count)
    {
        for (long i = 0; i < count; i++)
        {
            array.CopyTo(target);
        }
    }
}
