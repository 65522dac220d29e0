namespace PosixShm.Segments;

/// <summary>
/// A set of objects that all threads may change. An interrupt ends no wait for it, as it does one of a concurrent dictionary.
/// </summary>
internal sealed class Registry<T>
    where T : class
{
    private readonly Gate _gate = new();
    private readonly Stack<int> _free = new();
    private T?[] _all = [];

    /// <summary>Adds an object, and returns its place, to be removed by.</summary>
    public int Add(T item)
    {
        using (_gate.Enter())
        {
            if (!_free.TryPop(out int place))
            {
                place = _all.Length;
                Array.Resize(ref _all, Math.Max(4, 2 * place));
                for (int next = _all.Length - 1; next > place; next--)
                {
                    _free.Push(next);
                }
            }

            _all[place] = item;
            return place;
        }
    }

    public void Remove(int place)
    {
        using (_gate.Enter())
        {
            _all[place] = null;
            _free.Push(place);
        }
    }

    /// <summary>Gives all that are in it at this moment.</summary>
    public T[] All()
    {
        using (_gate.Enter())
        {
            return [.. _all.OfType<T>()];
        }
    }
}
