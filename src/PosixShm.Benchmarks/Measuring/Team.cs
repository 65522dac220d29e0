using System.Diagnostics;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>Several processes of one kind that compete for a lock.</summary>
internal sealed class Team : IDisposable
{
    private readonly List<Worker> _workers = [];

    public Team(int size, Func<Worker> start)
    {
        for (int i = 0; i < size; i++)
        {
            _workers.Add(start());
        }
    }

    /// <summary>
    /// Creates a contender that lets all processes compete for the length of a batch. The time of an operation is that length, divided by
    /// the number of all operations. The detail is the number of operations of the least-served process, as a fraction of an even share.
    /// </summary>
    public Contender Contender(string name, string operation, Scratch arena, long number = 0) => new(name, (batch, shares) =>
    {
        Span<long> words = Arena.Clear(arena.Array);
        foreach (Worker worker in _workers)
        {
            worker.Ask(operation, 0, arena.Path, number);
        }

        Arena.Await(ref words[Arena.Ready], _workers.Count);
        long start = Stopwatch.GetTimestamp();
        Volatile.Write(ref words[Arena.Phase], Arena.Going);
        Thread.Sleep(batch);
        Volatile.Write(ref words[Arena.Phase], Arena.Over);
        double took = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        long[] done = [.. _workers.Select(static worker => worker.Answer()[0])];
        shares.Add(done.Min() / done.Average());
        return took / done.Sum();
    });

    public void Dispose() => _workers.ForEach(static worker => worker.Dispose());
}
