using System.Runtime.CompilerServices;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>
/// Who owns the locks of a segment. Each attachment that uses a lock takes a slot: an exclusive lock on a byte far past the segment's end, which the kernel drops with
/// the attachment, however its process ends (<c>F_OFD_SETLK</c> in <c>fcntl(2)</c>). So the kernel reports the owner's death, and no process id is trusted.
/// </summary>
internal sealed unsafe class LockOwners(AttachedPage page, int* generations)
{
    // Slot 1 is the byte after that of "in use". Part of the format.
    private const long SlotByte = SegmentFile.InUseByte;

    private volatile int _identity;

    /// <summary>Gets this attachment's owner value for lock words; takes a slot the first time. For one caller at a time.</summary>
    /// <exception cref="IOException">All slots are taken, or there is no space for the control page.</exception>
    public int Identity => _identity != 0 ? _identity : Claim();

    /// <summary>Gets whether this attachment has a slot.</summary>
    public bool HasIdentity => _identity != 0;

    /// <summary>Returns whether the owner in a lock word is still alive.</summary>
    public bool IsAlive(int owner)
    {
        if (owner == _identity)
        {
            return true;
        }

        int slot = LockWord.Slot(owner);
        return slot is >= 1 and <= ControlPage.SlotCount
            && LockWord.MakeOwner(slot, Volatile.Read(ref generations[slot - 1])) == owner
            && page.Segment.IsByteLocked(SlotByte + slot);
    }

    private int Claim()
    {
        page.Make();

        // Not all from the first one: each attempt is a system call.
        uint start = unchecked((uint)HashCode.Combine(Environment.ProcessId, RuntimeHelpers.GetHashCode(this))) % ControlPage.SlotCount;
        for (uint i = 0; i < ControlPage.SlotCount; i++)
        {
            int slot = 1 + (int)((start + i) % ControlPage.SlotCount);
            if (page.Segment.TryLockByte(SlotByte + slot))
            {
                // A new generation, and no readers: words that still name the slot's last owner name a dead one.
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
            ? new($"'{page.Name}' has {ControlPage.SlotCount} attachments that use its locks already, and no more can.")
            : new(
                $"The locks of '{page.Name}' cannot be used: processes that may read it keep locks on its slots (see lslocks). "
                + "Take away their permission to read, or end them.");
}
