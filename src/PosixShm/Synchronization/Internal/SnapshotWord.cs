namespace PosixShm.Synchronization;

//
//  The snapshot is one 64-bit word in shared memory; docs/FORMAT.md, "Snapshots":
//
//      bits     field
//      0-29     the last writer: slot and generation, as in a lock word; 0: a writer whose publication failed
//      30-63    the sequence: odd during a publication, even otherwise
//
//  Both fields are in one word, so that a compare-exchange changes both. With two words, a reader could check one writer's life for another
//  writer's sequence, and take a living writer for dead (SPLIT in docs/model/snapshot.pml). Other programs read the same word: these
//  numbers never change.
//
internal static class SnapshotWord
{
    // One step of the sequence, which is also its lowest bit.
    private const ulong One = 1ul << 30;
    private const ulong OwnerMask = One - 1;
    private const int NumberShift = 31;

    /// <summary>Returns whether a publication has begun and not ended.</summary>
    public static bool IsOdd(ulong word) => (word & One) != 0;

    /// <summary>Gets the owner value of the last writer.</summary>
    public static int Owner(ulong word) => (int)(word & OwnerMask);

    /// <summary>Gets the number of the last publication: half of the sequence.</summary>
    public static ulong Number(ulong word) => word >> NumberShift;

    /// <summary>Gets the next odd word. After an incomplete publication the sequence grows by two, so each has a number of its
    /// own.</summary>
    public static ulong Begin(ulong seen, int owner)
        => unchecked((seen & ~OwnerMask) + (IsOdd(seen) ? 2 * One : One)) | (uint)owner;

    /// <summary>Gets the even word that ends a publication.</summary>
    public static ulong Complete(ulong mine) => unchecked(mine + One);

    /// <summary>Gets the odd word of no owner, who is never alive.</summary>
    public static ulong Fail(ulong mine) => mine & ~OwnerMask;

    /// <summary>Changes a word from one value to another, with a full barrier. False if the word has a third value.</summary>
    public static unsafe bool TryChange(ulong* word, ulong from, ulong to)
        => Interlocked.CompareExchange(ref *word, to, from) == from;
}
