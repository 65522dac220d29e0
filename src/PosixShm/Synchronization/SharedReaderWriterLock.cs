using System.Runtime.CompilerServices;

namespace PosixShm.Synchronization;

/// <summary>A reader-writer lock in an array's own memory, for all threads of all processes: many readers or one writer. It survives the
/// death of its holders.</summary>
/// <remarks><para><c>using (array.ReaderWriterLock.EnterReadScope()) { ... }</c>. If no writer competes, entering and exiting as a reader
/// is one atomic operation each, without a system call. Entering as a writer also reads 1,792 bytes, so for short stays of few readers
/// <see cref="SharedLock"/> is faster.</para>
/// <para>A writer that waits keeps new readers out, so readers cannot starve it. Readers that writers overtook four times make the next
/// writers pause, for at most 5 ms, so writers cannot starve them. Writers whose time limit is below 10 ms do not pause.</para>
/// <para>A reader that dies blocks no process, and nothing needs a repair. A writer that dies after it has entered leaves the lock
/// <i>abandoned</i>: every caller that enters, for reading too, gets an <see cref="AbandonedMutexException"/> and is not inside. That ends
/// when a caller enters with <see cref="EnterRecovery"/>, repairs the data, and calls <see cref="RecoveryScope.MarkConsistent"/>. Waiters
/// notice a death within 50 ms. A thread that ends inside counts as one that died; if it was a reader, it is counted out.</para>
/// <para>Recursion is that of <see cref="ReaderWriterLockSlim"/> with <see cref="LockRecursionPolicy.SupportsRecursion"/>: a thread that is
/// inside may enter again, except that a reader cannot enter for writing. A writer that has also entered for reading, and exits as a
/// writer, stays inside as a reader. There is no upgradeable mode. Two attachments of one array exclude each other even in one
/// thread.</para>
/// <para>Waiting uses <c>futex(2)</c>, times are by the monotonic clock, and a waiting thread does not block garbage collections. This is a
/// handle, not the lock: copies of it are equal and mean the lock of one attachment. C#'s <c>lock</c> statement refuses it. The default
/// value belongs to no array, and all its members throw an <see cref="InvalidOperationException"/>.</para></remarks>
public readonly struct SharedReaderWriterLock : IEquatable<SharedReaderWriterLock>
{
    private readonly AttachedReaderWriterLock? _lock;

    internal SharedReaderWriterLock(AttachedReaderWriterLock attached) => _lock = attached;

    /// <summary>Gets whether the calling thread has entered for reading, through this attachment.</summary>
    public bool IsReadLockHeld => Attached.IsReadLockHeld;

    /// <summary>Gets whether the calling thread has entered for writing, through this attachment.</summary>
    public bool IsWriteLockHeld => Attached.IsWriteLockHeld;

    /// <summary>Gets the state of the lock at this moment.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedReaderWriterLockState State => Attached.Read();

    private AttachedReaderWriterLock Attached
        => _lock ?? throw new InvalidOperationException(
            "This lock belongs to no array: it is the default value of SharedReaderWriterLock. Use the ReaderWriterLock property of an "
            + "array.");

    /// <summary>Compares two handles.</summary>
    /// <param name="left">The one.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they mean the lock of one attachment.</returns>
    public static bool operator ==(SharedReaderWriterLock left, SharedReaderWriterLock right) => left.Equals(right);

    /// <inheritdoc cref="op_Equality"/>
    /// <returns>Whether they mean locks of different attachments.</returns>
    public static bool operator !=(SharedReaderWriterLock left, SharedReaderWriterLock right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(SharedReaderWriterLock other) => ReferenceEquals(_lock, other._lock);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SharedReaderWriterLock other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(_lock);

    /// <summary>Enters for reading, and exits at the end of the scope.</summary>
    /// <returns>The scope, for <c>using</c>. It cannot cross an <c>await</c>; for that see <see cref="EnterReadAsync"/>.</returns>
    /// <inheritdoc cref="EnterRead"/>
    public ReadScope EnterReadScope()
    {
        AttachedReaderWriterLock attached = Attached;
        ThreadNote note = ThreadNote.For(attached);
        _ = attached.EnterRead(note, Timeout.Infinite, CancellationToken.None);
        return new ReadScope(attached, note);
    }

    /// <summary>Waits until no writer is inside, and enters for reading.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <exception cref="AbandonedMutexException">A writer died inside. The caller is not; see <see cref="EnterRecovery"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted, also before the wait; noticed within 50 ms.</exception>
    /// <exception cref="InvalidOperationException">The array is read-only or a private copy, 2,000 readers are inside through this
    /// attachment, or this is the default value.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="IOException">448 attachments already use the array's locks, or there is no space for the control page.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left to watch the calling thread.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void EnterRead(CancellationToken cancellation = default) => _ = EnterReadWithin(Timeout.Infinite, cancellation);

    /// <summary>Enters for reading if no writer is inside or waits for readers.</summary>
    /// <returns>Whether the caller is inside now.</returns>
    /// <inheritdoc cref="EnterRead"/>
    public bool TryEnterRead() => EnterReadWithin(0, CancellationToken.None);

    /// <summary>Waits until no writer is inside, and enters for reading, up to a time limit.</summary>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <inheritdoc cref="EnterRead"/>
    public bool TryEnterRead(TimeSpan timeout, CancellationToken cancellation = default)
        => EnterReadWithin(TimeLimit.InMilliseconds(timeout, nameof(timeout)), cancellation);

    /// <summary>Waits until no writer is inside, and enters for reading, without blocking a thread.</summary>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The entry, which exits when it is disposed, on any thread. It belongs to no thread: it takes no part in recursion, and an
    /// entry for writing inside it waits for ever.</returns>
    /// <remarks>It waits as <see cref="SharedLock.EnterAsync"/> does. The <see cref="ValueTask{TResult}"/> can be awaited once.</remarks>
    /// <exception cref="AbandonedMutexException">A writer died inside. The caller is not; see <see cref="EnterRecovery"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="InvalidOperationException">The array is read-only or a private copy, 2,000 readers are inside through this
    /// attachment, or this is the default value.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="IOException">448 attachments already use the array's locks, or there is no space for the control page.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left for the wait.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached, before the wait or during it; noticed within 50 ms.</exception>
    public async ValueTask<SharedReaderWriterLockReleaser> EnterReadAsync(CancellationToken cancellation = default)
        => await Attached.EnterReadAsync(cancellation).ConfigureAwait(false);

    /// <summary>Exits as a reader. A thread that entered several times exits as often.</summary>
    /// <exception cref="SynchronizationLockException">The calling thread has not entered for reading.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the lock while it was held.</exception>
    public void ExitRead()
    {
        AttachedReaderWriterLock attached = Attached;
        attached.ExitRead(ThreadNote.InsideOf(attached));
    }

    /// <summary>Enters for writing, and exits at the end of the scope.</summary>
    /// <returns>The scope, for <c>using</c>. It cannot cross an <c>await</c>; for that see <see cref="EnterWriteAsync"/>.</returns>
    /// <inheritdoc cref="EnterWrite"/>
    public WriteScope EnterWriteScope()
    {
        AttachedReaderWriterLock attached = Attached;
        ThreadNote note = ThreadNote.For(attached);
        _ = attached.EnterWrite(note, Timeout.Infinite, CancellationToken.None);
        return new WriteScope(attached, note);
    }

    /// <summary>Waits until no reader and no other writer is inside, and enters for writing.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <exception cref="LockRecursionException">The calling thread is inside as a reader, and must exit first.</exception>
    /// <exception cref="InvalidOperationException">The array is read-only or a private copy, or this is the default value.</exception>
    /// <inheritdoc cref="EnterRead"/>
    public void EnterWrite(CancellationToken cancellation = default) => _ = EnterWriteWithin(Timeout.Infinite, cancellation);

    /// <summary>Enters for writing if no reader and no other writer is inside.</summary>
    /// <returns>Whether the caller is inside now.</returns>
    /// <inheritdoc cref="EnterWrite"/>
    public bool TryEnterWrite() => EnterWriteWithin(0, CancellationToken.None);

    /// <summary>Waits until no reader and no other writer is inside, and enters for writing, up to a time limit.</summary>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <inheritdoc cref="EnterWrite"/>
    public bool TryEnterWrite(TimeSpan timeout, CancellationToken cancellation = default)
        => EnterWriteWithin(TimeLimit.InMilliseconds(timeout, nameof(timeout)), cancellation);

    /// <summary>Waits until no reader and no other writer is inside, and enters for writing, without blocking a thread.</summary>
    /// <returns>The entry, which exits when it is disposed, on any thread. It belongs to no thread: it takes no part in recursion, and an
    /// entry inside it waits for ever.</returns>
    /// <inheritdoc cref="EnterReadAsync"/>
    public async ValueTask<SharedReaderWriterLockReleaser> EnterWriteAsync(CancellationToken cancellation = default)
        => await Attached.EnterWriteAsync(cancellation).ConfigureAwait(false);

    /// <summary>Exits as a writer. A thread that entered several times exits as often.</summary>
    /// <exception cref="SynchronizationLockException">The calling thread has not entered for writing.</exception>
    /// <inheritdoc cref="ExitRead"/>
    public void ExitWrite()
    {
        AttachedReaderWriterLock attached = Attached;
        attached.ExitWrite(ThreadNote.InsideOf(attached), WriteExit.Usual);
    }

    /// <summary>Enters for writing, whether the lock is abandoned or not, to repair the data of a writer that died.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns>The scope, for <c>using</c>: check <see cref="RecoveryScope.WasAbandoned"/>, repair, and call
    /// <see cref="RecoveryScope.MarkConsistent"/>.</returns>
    /// <exception cref="LockRecursionException">The calling thread is already inside.</exception>
    /// <inheritdoc cref="EnterWrite"/>
    public RecoveryScope EnterRecovery(CancellationToken cancellation = default)
    {
        AttachedReaderWriterLock attached = Attached;
        ThreadNote note = ThreadNote.For(attached);
        return new RecoveryScope(attached, note, attached.EnterRecovery(note, cancellation));
    }

    private bool EnterReadWithin(int timeout, CancellationToken cancellation)
    {
        AttachedReaderWriterLock attached = Attached;
        return attached.EnterRead(ThreadNote.For(attached), timeout, cancellation);
    }

    private bool EnterWriteWithin(int timeout, CancellationToken cancellation)
    {
        AttachedReaderWriterLock attached = Attached;
        return attached.EnterWrite(ThreadNote.For(attached), timeout, cancellation);
    }

    /// <summary>A scope in which the lock is held for reading.</summary>
    public readonly ref struct ReadScope : IDisposable
    {
        private readonly AttachedReaderWriterLock? _lock;
        private readonly ThreadNote? _note; // the scope stays on its thread

        internal ReadScope(AttachedReaderWriterLock entered, ThreadNote note)
        {
            _lock = entered;
            _note = note;
        }

        /// <inheritdoc cref="ExitRead()"/>
        public void Dispose() => _lock?.ExitRead(_note);
    }

    /// <summary>A scope in which the lock is held for writing.</summary>
    public readonly ref struct WriteScope : IDisposable
    {
        private readonly AttachedReaderWriterLock? _lock;
        private readonly ThreadNote? _note; // the scope stays on its thread

        internal WriteScope(AttachedReaderWriterLock entered, ThreadNote note)
        {
            _lock = entered;
            _note = note;
        }

        /// <inheritdoc cref="ExitWrite()"/>
        public void Dispose() => _lock?.ExitWrite(_note, WriteExit.Usual);
    }

    /// <summary>A scope in which the lock is held for writing, to repair the data that it protects.</summary>
    public ref struct RecoveryScope : IDisposable
    {
        private readonly AttachedReaderWriterLock? _lock;
        private readonly ThreadNote? _note;
        private bool _isRepaired;

        internal RecoveryScope(AttachedReaderWriterLock entered, ThreadNote note, bool wasAbandoned)
        {
            _lock = entered;
            _note = note;
            WasAbandoned = wasAbandoned;
        }

        /// <summary>Gets whether a writer had died. If not, this is an ordinary entry.</summary>
        public bool WasAbandoned { get; }

        /// <summary>Marks the data as repaired. Without this call, the lock stays abandoned when the scope ends.</summary>
        public void MarkConsistent() => _isRepaired = true;

        /// <inheritdoc cref="ExitWrite()"/>
        public readonly void Dispose() => _lock?.ExitWrite(_note, _isRepaired ? WriteExit.Repaired : WriteExit.Usual);
    }
}
