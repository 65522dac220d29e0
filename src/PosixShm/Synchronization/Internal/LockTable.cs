using System.Collections;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>The locks of one attachment: those of mutual exclusion, and the reader-writer lock.</summary>
internal sealed unsafe class LockTable : IReadOnlyList<SharedLock>
{
    // Tables of which a lock may be held: from the acquisition of a slot until the table is closed and its last kept lock is released.
    private static readonly Registry<LockTable> s_inUse = new();

    private readonly AttachedLock?[] _locks;
    private readonly nint _first;
    private readonly Gate _gate = new();
    private int? _place; // in that registry
    private AttachedReaderWriterLock? _readerWriter;
    private bool _isClosed;
    private int _kept; // number of holders of locks when the table was closed that have not left since

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

    public AttachedReaderWriterLock ReaderWriter
        => Volatile.Read(ref _readerWriter)
            ?? Interlocked.CompareExchange(ref _readerWriter, new AttachedReaderWriterLock(this), null) ?? _readerWriter;

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

    /// <summary>Leaves every lock that an ended thread held: as abandoned, or, if it was a reader, as a reader that exits.</summary>
    public static void AbandonAll(long thread)
    {
        ThreadNote.Abandon(thread);
        foreach (LockTable table in s_inUse.All())
        {
            table.ForEach(held => _ = held.Holder == thread ? table.Leave(held, thread, LockWord.Abandoned) : null);
        }
    }

    /// <summary>Gets this attachment's owner value. The first call acquires a slot. The caller has a reference to the segment.</summary>
    /// <inheritdoc cref="Open(AttachedLock)"/>
    public int GetOwner()
    {
        if (Owners.HasIdentity)
        {
            return Owners.Identity;
        }

        using (_gate.Enter())
        {
            Page.ThrowIfDetached();
            return Owners.Identity;
        }
    }

    /// <summary>Opens a lock for entries, and returns this attachment's owner value.</summary>
    /// <exception cref="IOException">All slots are taken.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public int Open(AttachedLock closed)
    {
        using (_gate.Enter())
        {
            int owner = PrepareOpen();
            closed.Open(owner);
            return owner;
        }
    }

    /// <inheritdoc cref="Open(AttachedLock)"/>
    /// <param name="open">Opens the lock for this attachment's owner value; under the gate.</param>
    public int Open(Action<int> open)
    {
        using (_gate.Enter())
        {
            int owner = PrepareOpen();
            open(owner);
            return owner;
        }
    }

    /// <summary>Makes an asynchronous entry the holder of a lock. False if the locks were closed.</summary>
    public bool TryHold(AttachedLock acquired, long entry)
    {
        using (_gate.Enter())
        {
            if (!_isClosed)
            {
                acquired.Hold(entry);
            }

            return !_isClosed;
        }
    }

    /// <inheritdoc cref="TryHold(AttachedLock, long)"/>
    /// <param name="hold">Notes the entry; under the gate, and only if the locks are open.</param>
    public bool TryHold(Action hold)
    {
        using (_gate.Enter())
        {
            if (!_isClosed)
            {
                hold();
            }

            return !_isClosed;
        }
    }

    /// <summary>Closes all locks. A lock that is held keeps the memory mapped until it is released.</summary>
    public void Close()
    {
        using (_gate.Enter())
        {
            if (_place is null)
            {
                return; // No lock was ever opened.
            }

            _isClosed = true;
            ForEach(static shared => shared.Close());
            _readerWriter?.Close();
            LockThread.AwaitPassages(Id);
            _kept = _readerWriter?.KeepHolders() ?? 0;
            ForEach(shared => _kept += shared.Holder != 0 ? 1 : 0);
            if (_kept == 0 || !Page.Segment.TryAddReference())
            {
                s_inUse.Remove(_place.Value);
            }
        }
    }

    /// <summary>Releases a lock outside of passages: for the holder of a closed one, for a thread that cannot be watched, and on behalf of
    /// a thread that has ended.</summary>
    public Exception? Leave(AttachedLock held, long holder, int leaveAs)
    {
        Exception? error = null;
        bool isLast = false;
        using (_gate.Enter())
        {
            if (held.TryEndHold(holder))
            {
                error = held.LeaveUnderGate(leaveAs);
                isLast = IsLastKept();
            }
        }

        ReleaseIf(isLast);
        return error;
    }

    /// <summary>Runs an exit outside of passages, under the gate. The last holder that leaves a detached array releases the
    /// memory.</summary>
    /// <param name="exit">Returns whether a holder has left.</param>
    public void Leave(Func<bool> exit)
    {
        bool isLast;
        using (_gate.Enter())
        {
            isLast = exit() && IsLastKept();
        }

        ReleaseIf(isLast);
    }

    public IEnumerator<SharedLock> GetEnumerator()
    {
        for (int index = 0; index < Count; index++)
        {
            yield return this[index];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int PrepareOpen()
    {
        Page.ThrowIfDetached();
        int owner = Owners.Identity;
        _place ??= s_inUse.Add(this);
        return owner;
    }

    private bool IsLastKept() => _isClosed && --_kept == 0;

    private void ReleaseIf(bool isLast)
    {
        if (isLast)
        {
            s_inUse.Remove(_place!.Value);
            Page.Segment.Release();
        }
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
