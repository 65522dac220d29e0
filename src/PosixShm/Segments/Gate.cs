namespace PosixShm.Segments;

/// <summary>Mutual exclusion for a few instructions. <see cref="Thread.Interrupt"/> does not end its waits.</summary>
internal sealed class Gate
{
    private int _isTaken;

    /// <summary>Enters, and exits at the end of the scope.</summary>
    public Scope Enter()
    {
        while (Interlocked.Exchange(ref _isTaken, 1) != 0)
        {
            _ = Thread.Yield();
        }

        return new Scope(this);
    }

    public readonly ref struct Scope(Gate gate) : IDisposable
    {
        public void Dispose() => Volatile.Write(ref gate._isTaken, 0);
    }
}
