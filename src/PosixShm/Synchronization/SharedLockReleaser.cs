namespace PosixShm.Synchronization;

/// <summary>Leaves a lock that was entered with <see cref="SharedLock.EnterAsync"/>, on whatever thread.</summary>
public sealed class SharedLockReleaser : IDisposable
{
    private AttachedLock? _lock;

    internal SharedLockReleaser(AttachedLock entered) => _lock = entered;

    /// <summary>Leaves the lock; once, however often it is called.</summary>
    public void Dispose() => Interlocked.Exchange(ref _lock, null)?.ExitEntry();
}
