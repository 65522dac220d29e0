namespace PosixShm.Synchronization;

//
//  A lock is one 32-bit word in shared memory; docs/FORMAT.md, "Locks":
//
//      bits     field
//      0-8      slot of the owner, 1 to 448; 0: no owner
//      9-29     generation of the slot at the moment at which the owner acquired it
//      30       ABANDONED: an owner died, and the data was not repaired since
//      31       WAITERS: a waiter may be asleep on the word
//
//  Free is 0. An owner is alive as long as the byte of its slot is locked and the slot's generation is its own. Other programs, and
//  versions of this library, read the same words: these numbers never change.
//
internal static class LockWord
{
    public const int Free = 0;
    public const int Abandoned = 1 << 30;
    public const int Waiters = int.MinValue;

    private const int SlotBits = 9;
    private const int SlotMask = (1 << SlotBits) - 1;
    private const int GenerationMask = (1 << 21) - 1;

    /// <summary>Changes a word from one value to another. False if the word has a third value.</summary>
    public static unsafe bool TryChange(int* word, int from, int to) => Interlocked.CompareExchange(ref *word, to, from) == from;

    public static int Owner(int word) => word & ~(Abandoned | Waiters);

    public static int Slot(int owner) => owner & SlotMask;

    /// <summary>Gets the value that an attachment stores in the slot that it acquires: the next generation, and no readers.</summary>
    public static int NextGeneration(int stored) => unchecked(stored + 1) & GenerationMask;

    public static int MakeOwner(int slot, int generation) => slot | ((generation & GenerationMask) << SlotBits);
}
