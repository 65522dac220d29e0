using System.Runtime.CompilerServices;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>The owners of a segment's locks. Each attachment that uses a lock acquires a slot: an exclusive lock on one byte far past the
/// end of the file (<c>F_OFD_SETLK</c> in <c>fcntl(2)</c>). The kernel releases it with the attachment, however the process ends. So the
/// kernel reports the owner's death, and no process id is trusted.</summary>
internal sealed unsafe class LockOwners(AttachedPage page, int* generations)
{
    // Part of the format: slot 1 is the byte after the "in use" byte. With another offset, this library and other programs would take each
    // other's living owners for dead.
    private const long SlotByte = SegmentFile.InUseByte;

    private volatile int _identity;

    // The last owner that was alive, and the time of the query in its lower half.
    private long _alive;

    /// <summary>Gets this attachment's owner value for lock words. The first call acquires a slot. For one caller at a time.</summary>
    /// <exception cref="IOException">All slots are in use, or there is no space for the control page.</exception>
    public int Identity => _identity != 0 ? _identity : Claim();

    /// <summary>Gets whether this attachment has a slot.</summary>
    public bool HasIdentity => _identity != 0;

    /// <summary>Returns whether the owner in a lock word is still alive.</summary>
    public bool IsAlive(int owner)
    {
        if (owner == _identity)
        {
            return owner != 0; // 0 is the identity of an attachment without a slot, and no owner's.
        }

        int slot = LockWord.Slot(owner);
        return slot is >= 1 and <= ControlPage.SlotCount
            && LockWord.MakeOwner(slot, Volatile.Read(ref generations[slot - 1])) == owner
            && page.Segment.IsByteLocked(SlotByte + slot);
    }

    /// <summary>Returns whether an owner is still alive, or was in the last 4 ms, for a waiter that asks again after its next
    /// sleep.</summary>
    public bool WasAlive(int owner)
    {
        // Many waiters check one owner at once, and the query is a system call. Within a tick of the clock, 1 to 4 ms, one query is enough
        // for all of them. Part of the protocol: the checks are 40 ms apart, and docs/FORMAT.md promises 50.
        long now = ((long)owner << 32) | (uint)Environment.TickCount;
        if (Volatile.Read(ref _alive) == now)
        {
            return true;
        }

        if (!IsAlive(owner))
        {
            return false;
        }

        Volatile.Write(ref _alive, now);
        return true;
    }

    private int Claim()
    {
        page.Make();

        // Each attempt is a system call, so the search begins at a random slot.
        uint start = unchecked((uint)HashCode.Combine(Environment.ProcessId, RuntimeHelpers.GetHashCode(this))) % ControlPage.SlotCount;
        for (uint i = 0; i < ControlPage.SlotCount; i++)
        {
            int slot = 1 + (int)((start + i) % ControlPage.SlotCount);
            if (page.Segment.TryLockByte(SlotByte + slot))
            {
                // Invariant: an owner value never comes back to life. The byte is locked before the new generation is stored, so no other
                // process stores one; words with the last generation now name a dead owner (EARLY_GENERATION in docs/model/lock.pml).
                page.ThrowIfLost();
                int generation = LockWord.NextGeneration(Volatile.Read(ref generations[slot - 1]));
                Volatile.Write(ref generations[slot - 1], generation);
                return _identity = LockWord.MakeOwner(slot, generation);
            }
        }

        throw NoSlot();
    }

    // A shared lock on a slot, for which read permission is enough, refuses an exclusive one.
    private IOException NoSlot()
        => Enumerable.Range(1, ControlPage.SlotCount).All(slot => page.Segment.IsByteLocked(SlotByte + slot))
            ? new($"'{page.Name}' already has {ControlPage.SlotCount} attachments that use its locks, which is the limit.")
            : new(
                $"The locks of '{page.Name}' cannot be used: processes that may read it keep locks on its slots (see lslocks). "
                + "Remove their permission to read, or end them.");
}
