namespace PosixShm.Benchmarks.Measuring;

/// <summary>Several processes of one kind that work at the same time.</summary>
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

    /// <summary>Makes a contender of one operation. The time is that of the slowest, shared among what all did.</summary>
    public Contender Contender(string name, string operation, string path, long number = 0)
        => new(name, count =>
        {
            _workers.ForEach(worker => worker.Ask(operation, count, path, number));
            return _workers.Select(static worker => worker.Answer()).ToList().Max() / _workers.Count;
        });

    public void Dispose() => _workers.ForEach(static worker => worker.Dispose());
}
