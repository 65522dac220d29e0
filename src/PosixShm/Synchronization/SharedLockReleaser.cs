namespace PosixShm.Synchronization;

/// <summary>Leaves a lock that was entered with <see cref="SharedLock.EnterAsync"/>, on whatever thread.</summary>
public sealed class SharedLockReleaser : IDisposable
{
    private readonly int _token;
    private SharedLock? _lock;

    internal SharedLockReleaser(SharedLock entered, int token)
    {
        _lock = entered;
        _token = token;
    }

    /// <summary>Leaves the lock; once, however often it is called.</summary>
    public void Dispose() => Interlocked.Exchange(ref _lock, null)?.Exit(_token, LockWord.Free);
}
