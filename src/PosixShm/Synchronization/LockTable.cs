using System.Collections;
using PosixShm.Format;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>The locks of one attachment.</summary>
internal sealed unsafe class LockTable : IReadOnlyList<SharedLock>
{
    private readonly SharedLock?[] _locks;
    private readonly nint _first;
    private int _users = 1;
    private volatile bool _isDetached;

    public LockTable(Segment segment, long controlOffset, ControlPage control)
    {
        Segment = segment;
        _locks = new SharedLock?[control.LockCount];
        _first = segment.Address + (nint)control.LocksOffset;
        Owners = new LockOwners(segment, (int*)(segment.Address + (nint)controlOffset + ControlPage.SlotsOffset));
    }

    public Segment Segment { get; }

    public LockOwners Owners { get; }

    public SegmentName Name => Segment.Name;

    public bool IsDetached => _isDetached;

    public int Count => _locks.Length;

    public SharedLock this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _locks.Length);
            ref SharedLock? place = ref _locks[index];
            if (place is null)
            {
                SharedLock created = new(this, index, (int*)(_first + ((nint)index * ControlPage.LineSize)));
                _ = Interlocked.CompareExchange(ref place, created, null);
            }

            return place;
        }
    }

    /// <summary>
    /// Says that another array uses the locks of this attachment. Two tables over one open file would take each other for dead: the kernel does not tell an
    /// open file of its own byte locks.
    /// </summary>
    public void AddUser() => Interlocked.Increment(ref _users);

    /// <summary>Ends one array's use of the locks. The last one ends all, but of those that are held: each keeps the memory mapped until it is left.</summary>
    public void Detach()
    {
        if (Interlocked.Decrement(ref _users) > 0)
        {
            return;
        }

        _isDetached = true;
        foreach (SharedLock? shared in _locks)
        {
            shared?.Detach();
        }
    }

    public IEnumerator<SharedLock> GetEnumerator()
    {
        for (int index = 0; index < Count; index++)
        {
            yield return this[index];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
