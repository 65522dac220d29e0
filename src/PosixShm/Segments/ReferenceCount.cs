namespace PosixShm.Segments;

/// <summary>A count of references that begins with one, and never rises again after the last release.</summary>
internal struct ReferenceCount()
{
    private int _count = 1;

    /// <summary>Adds a reference. False if the last one was already released.</summary>
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

    /// <summary>Releases a reference. Returns whether it was the last one.</summary>
    public bool Release() => Interlocked.Decrement(ref _count) == 0;
}
