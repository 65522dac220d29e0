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

    /// <summary>Ends the use of the locks, but of those that are held: each keeps the memory mapped until it is left.</summary>
    public void Detach()
    {
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
