namespace PosixShm.Synchronization;

/// <summary>Mutual exclusion for a few instructions. <see cref="Thread.Interrupt"/> does not end its wait, as it does that of <see cref="Monitor"/>.</summary>
internal struct Gate
{
    private int _isTaken;

    public void Enter()
    {
        while (Interlocked.Exchange(ref _isTaken, 1) != 0)
        {
            _ = Thread.Yield();
        }
    }

    public void Exit() => Volatile.Write(ref _isTaken, 0);
}
