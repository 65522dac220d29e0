namespace PosixShm.Segments;

/// <summary>
/// A set of objects that all threads may change. An interrupt ends no wait for it, as it does one of a concurrent dictionary.
/// </summary>
internal sealed class Registry<T>
    where T : class
{
    private readonly HashSet<T> _all = new(ReferenceEqualityComparer.Instance);
    private readonly Gate _gate = new();

    public void Add(T item)
    {
        using (_gate.Enter())
        {
            _ = _all.Add(item);
        }
    }

    public void Remove(T item)
    {
        using (_gate.Enter())
        {
            _ = _all.Remove(item);
        }
    }

    /// <summary>Gives all that are in it at this moment.</summary>
    public T[] All()
    {
        using (_gate.Enter())
        {
            return [.. _all];
        }
    }
}
