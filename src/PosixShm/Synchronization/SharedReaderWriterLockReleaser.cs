namespace PosixShm.Synchronization;

/// <summary>Exits a reader-writer lock that was entered with <see cref="SharedReaderWriterLock.EnterReadAsync"/> or
/// <see cref="SharedReaderWriterLock.EnterWriteAsync"/>, on any thread.</summary>
public sealed class SharedReaderWriterLockReleaser : IDisposable
{
    private readonly bool _isWriter;
    private AttachedReaderWriterLock? _lock;

    internal SharedReaderWriterLockReleaser(AttachedReaderWriterLock entered, bool isWriter)
    {
        _lock = entered;
        _isWriter = isWriter;
    }

    /// <summary>Exits the lock. Further calls do nothing.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the lock while it was held.</exception>
    public void Dispose() => Interlocked.Exchange(ref _lock, null)?.ExitEntry(_isWriter);
}
