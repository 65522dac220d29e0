namespace PosixShm.Segments;

/// <summary>A count of references that begins with one, and ends for good when the last is released.</summary>
internal struct ReferenceCount()
{
    private int _count = 1;

    /// <summary>Takes a reference; false if the last one was released already.</summary>
    public bool TryAdd()
    {
        int seen = Volatile.Read(ref _count);
        while (seen > 0)
        {
            int before = Interlocked.CompareExchange(ref _count, seen + 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    /// <summary>Gives a reference back; returns whether it was the last one.</summary>
    public bool Release() => Interlocked.Decrement(ref _count) == 0;
}
