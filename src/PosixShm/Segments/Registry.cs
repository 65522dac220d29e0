namespace PosixShm.Segments;

/// <summary>A set of objects that all threads may change. Unlike a concurrent dictionary's, its waits ignore interrupts.</summary>
internal sealed class Registry<T>
    where T : class
{
    private const int None = -1;

    private readonly Gate _gate = new();
    private Place[] _places = [];
    private int _free = None;

    /// <summary>Adds an object, and returns its place, for its removal.</summary>
    public int Add(T item)
    {
        using (_gate.Enter())
        {
            if (_free == None)
            {
                AddPlaces();
            }

            int place = _free;
            _free = _places[place].NextFree;
            _places[place].Item = item;
            return place;
        }
    }

    public void Remove(int place)
    {
        using (_gate.Enter())
        {
            _places[place] = new Place { NextFree = _free };
            _free = place;
        }
    }

    /// <summary>Gets all objects at this moment.</summary>
    public T[] All()
    {
        using (_gate.Enter())
        {
            return [.. _places.Select(static place => place.Item).OfType<T>()];
        }
    }

    private void AddPlaces()
    {
        int first = _places.Length;
        Array.Resize(ref _places, Math.Max(4, 2 * first));
        for (int place = first; place < _places.Length; place++)
        {
            _places[place].NextFree = _free;
            _free = place;
        }
    }

    private struct Place
    {
        public T? Item;
        public int NextFree;
    }
}
