namespace PosixShm.Synchronization;

/// <summary>Exits a lock that was entered with <see cref="SharedLock.EnterAsync"/>, on any thread.</summary>
public sealed class SharedLockReleaser : IDisposable
{
    private AttachedLock? _lock;

    internal SharedLockReleaser(AttachedLock entered) => _lock = entered;

    /// <summary>Exits the lock. Further calls do nothing.</summary>
    public void Dispose() => Interlocked.Exchange(ref _lock, null)?.ExitEntry();
}
