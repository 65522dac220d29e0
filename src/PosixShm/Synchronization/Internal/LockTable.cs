using System.Collections;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>The locks of one attachment.</summary>
internal sealed unsafe class LockTable : IReadOnlyList<SharedLock>
{
    // Tables of which a lock may be held: from the acquisition of a slot until the table is closed and its last kept lock is released.
    private static readonly Registry<LockTable> s_inUse = new();

    private readonly AttachedLock?[] _locks;
    private readonly nint _first;
    private readonly Gate _gate = new();
    private int? _place; // in that registry
    private int _kept; // number of locks that were held when the table was closed, and still are

    public LockTable(AttachedPage page, nint first, int count)
    {
        Page = page;
        _first = first;
        _locks = new AttachedLock?[count];
        Owners = new LockOwners(page, (int*)(page.Address + ControlPage.SlotsOffset));
    }

    public AttachedPage Page { get; }

    public LockOwners Owners { get; }

    /// <summary>Gets an id that no other table of this process has.</summary>
    public long Id { get; } = LockThread.NewId();

    public int Count => _locks.Length;

    public SharedLock this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _locks.Length);
            ref AttachedLock? place = ref _locks[index];
            if (place is null)
            {
                AttachedLock created = new(this, index, (int*)(_first + ((nint)index * ControlPage.LineSize)));
                _ = Interlocked.CompareExchange(ref place, created, null);
            }

            return new SharedLock(place);
        }
    }

    /// <summary>Marks every lock that an ended thread held as abandoned.</summary>
    public static void AbandonAll(long thread)
    {
        foreach (LockTable table in s_inUse.All())
        {
            table.ForEach(held => _ = held.Holder == thread ? table.Leave(held, thread, LockWord.Abandoned) : null);
        }
    }

    /// <summary>Opens a lock for entries, and returns this attachment's owner value.</summary>
    /// <exception cref="IOException">All slots are taken.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public int Open(AttachedLock closed)
    {
        using (_gate.Enter())
        {
            int owner = OwnUnderGate();
            closed.Open(owner);
            return owner;
        }
    }

    /// <summary>Returns this attachment's owner value, for words other than those of locks.</summary>
    /// <inheritdoc cref="Open"/>
    public int Own()
    {
        using (_gate.Enter())
        {
            return OwnUnderGate();
        }
    }

    /// <summary>Makes an asynchronous entry the holder of a lock. False if the locks were closed.</summary>
    public bool TryHold(AttachedLock acquired, long entry)
    {
        using (_gate.Enter())
        {
            bool isOpen = !acquired.IsClosed;
            if (isOpen)
            {
                acquired.Hold(entry);
            }

            return isOpen;
        }
    }

    /// <summary>Closes all locks. A lock that is held keeps the memory mapped until it is released.</summary>
    public void Close()
    {
        using (_gate.Enter())
        {
            if (!Owners.HasIdentity)
            {
                return; // No lock was ever opened.
            }

            ForEach(static shared => shared.Close());
            LockThread.AwaitPassages(Id);
            ForEach(shared => _kept += shared.Holder != 0 ? 1 : 0);
            if (_kept == 0 || !Page.Segment.TryAddReference())
            {
                s_inUse.Remove(_place!.Value);
            }
        }
    }

    /// <summary>Releases a lock outside of passages: for the holder of a closed one, for a thread that cannot be watched, and on behalf of
    /// a thread that has ended. The last release of a detached array releases the memory.</summary>
    public Exception? Leave(AttachedLock held, long holder, int leaveAs)
    {
        Exception? error = null;
        bool isLast = false;
        using (_gate.Enter())
        {
            if (held.TryEndHold(holder))
            {
                error = held.LeaveUnderGate(leaveAs);
                isLast = held.IsClosed && --_kept == 0;
            }
        }

        if (isLast)
        {
            s_inUse.Remove(_place!.Value);
            Page.Segment.Release();
        }

        return error;
    }

    public IEnumerator<SharedLock> GetEnumerator()
    {
        for (int index = 0; index < Count; index++)
        {
            yield return this[index];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int OwnUnderGate()
    {
        Page.ThrowIfDetached();
        int owner = Owners.Identity;
        _place ??= s_inUse.Add(this);
        return owner;
    }

    private void ForEach(Action<AttachedLock> action)
    {
        foreach (AttachedLock? shared in _locks)
        {
            if (shared is not null)
            {
                action(shared);
            }
        }
    }
}
