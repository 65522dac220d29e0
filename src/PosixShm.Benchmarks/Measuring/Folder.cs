namespace PosixShm.Benchmarks.Measuring;

/// <summary>Many small arrays, to be listed.</summary>
internal sealed class Folder : IDisposable
{
    private static readonly SharedArrayOptions s_sparse = new() { Preallocate = false };

    private readonly List<string> _names = [];

    public Folder(int count) => GrowTo(count);

    public void GrowTo(int count)
    {
        while (_names.Count < count)
        {
            string name = Scratch.NewName();
            SharedArray.Create<double>(name, s_sparse, 16).Dispose();
            _names.Add(name);
        }
    }

    public void Dispose() => _names.ForEach(SharedArray.Delete);
}
