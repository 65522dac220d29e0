namespace PosixShm.Benchmarks.Measuring;

/// <summary>Many small arrays.</summary>
internal sealed class Folder : IDisposable
{
    private const int Elements = 10;

    private readonly List<string> _names = [];

    public Folder(int count) => GrowTo(count);

    public void GrowTo(int count)
    {
        while (_names.Count < count)
        {
            string name = Scratch.NewName();
            SharedArray.Create<double>(name, Elements).Dispose();
            _names.Add(name);
        }
    }

    public void Dispose() => _names.ForEach(SharedArray.Delete);
}
