namespace PosixShm.Synchronization;

/// <summary>An entry to repair the data of a lock, made by <see cref="SharedLock.EnterRecoveryAsync"/>. It exits when it is disposed, on any
/// thread.</summary>
public sealed class SharedLockRecovery : IDisposable
{
    private readonly SharedLockReleaser _entry;
    private volatile bool _isRepaired;

    internal SharedLockRecovery(SharedLockReleaser entry) => _entry = entry;

    /// <summary>Gets whether a holder had died. If not, this is an ordinary entry.</summary>
    public bool WasAbandoned => _entry.WasAbandoned;

    /// <summary>Marks the data as repaired. Without this call, the lock stays abandoned when the entry exits.</summary>
    public void MarkConsistent() => _isRepaired = true;

    /// <inheritdoc cref="SharedLockReleaser.Dispose"/>
    public void Dispose() => _entry.Exit(WasAbandoned && !_isRepaired ? LockWord.Abandoned : LockWord.Free);
}
