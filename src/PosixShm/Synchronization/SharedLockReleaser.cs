namespace PosixShm.Synchronization;

/// <summary>Exits a lock that was entered with <see cref="SharedLock.EnterAsync"/>, on any thread.</summary>
/// <remarks>Copies stand for one entry, which exits once. The default value has entered nothing.</remarks>
public readonly struct SharedLockReleaser : IDisposable, IEquatable<SharedLockReleaser>
{
    private readonly AttachedLock? _lock;
    private readonly long _entry;

    internal SharedLockReleaser(AttachedLock entered, long entry, bool wasAbandoned)
    {
        _lock = entered;
        _entry = entry;
        WasAbandoned = wasAbandoned;
    }

    internal bool WasAbandoned { get; }

    /// <summary>Compares two values.</summary>
    /// <param name="left">The one.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they stand for one entry.</returns>
    public static bool operator ==(SharedLockReleaser left, SharedLockReleaser right) => left.Equals(right);

    /// <inheritdoc cref="op_Equality"/>
    /// <returns>Whether they stand for different entries.</returns>
    public static bool operator !=(SharedLockReleaser left, SharedLockReleaser right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(SharedLockReleaser other) => _entry == other._entry;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SharedLockReleaser other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _entry.GetHashCode();

    /// <summary>Exits the lock. Further calls do nothing, also those of copies.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the lock while it was held.</exception>
    public void Dispose() => Exit(LockWord.Free);

    internal void Exit(int leaveAs) => _lock?.ExitEntry(_entry, leaveAs);
}
