using PosixShm.Format;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Locks and the change count.</content>
public abstract partial class SharedArray
{
    private LockTable? _locks;
    private SharedEvent? _changed;

    /// <summary>Gets the array's first lock, in its own memory, for all threads of all processes that attach it.</summary>
    /// <exception cref="InvalidOperationException">The array has none: it was created without, or by another program.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedLock Lock => Table is { Count: > 0 } table
        ? table[0]
        : throw new InvalidOperationException($"'{Name}' has no lock: it was created with Locks = 0, or by another program. A NamedSemaphore can take its place.");

    /// <summary>Gets the array's locks: as many as <see cref="SharedArrayOptions.Locks"/> said at creation, none if another program created it.</summary>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public IReadOnlyList<SharedLock> Locks => Table is LockTable table ? table : [];

    private LockTable? Table
    {
        get
        {
            ThrowIfDetached();
            if (_locks is null && Header.Control is ControlPage control)
            {
                _ = Interlocked.CompareExchange(ref _locks, new LockTable(Segment, Header.ControlOffset, control), null);
            }

            return _locks;
        }
    }

    // For a second array over the same attachment, which is one owner of locks.
    private TArray SharingLocks<TArray>(TArray other)
        where TArray : SharedArray
    {
        if (Table is LockTable table)
        {
            table.AddUser();
            other._locks = table;
        }

        return other;
    }

    /// <summary>Gets the array's count of changes, by which readers sleep until a writer has published something.</summary>
    /// <exception cref="InvalidOperationException">The array was created by another program.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedEvent Changed
    {
        get
        {
            ThrowIfDetached();
            if (Header.Control is null)
            {
                throw new InvalidOperationException($"'{Name}' has no count of changes: it was created by another program.");
            }

            return _changed ??= new SharedEvent(Segment, Header.ControlOffset);
        }
    }
}
