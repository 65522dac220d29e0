using PosixShm.Formats;

namespace PosixShm.Synchronization;

//
//  A publication by one writer: Publishing, steps 1 to 5, of docs/FORMAT.md, "Snapshots". The caller stores the elements between Begin and
//  Complete. docs/model/snapshot.pml is the model; the paragraphs name its wrong variants.
//
//      word                    state                          the state ends with
//      even                    published                      Begin                                                  -> odd, own owner
//      odd, own owner          a publication is under way     Complete                                               -> even
//                                                             Dispose without Complete                               -> odd, no owner
//                                                             the writer's death                                     -> odd, dead owner
//      odd, no or dead owner   abandoned                      Begin of a writer that overwrites all elements         -> odd, own owner
//
/// <summary>One publication of an array's elements. The caller has a reference to the segment until it ends.</summary>
internal unsafe ref struct SnapshotPublication : IDisposable
{
    private readonly AttachedPage _page;
    private readonly ulong* _word;
    private readonly ulong _mine;
    private bool _isComplete;

    private SnapshotPublication(AttachedPage page, ulong* word, ulong mine)
    {
        _page = page;
        _word = word;
        _mine = mine;
    }

    //  Invariant: one writer at a time stores elements. Only a compare-exchange makes the word odd, from an even one or from that of an
    //  owner that is dead. An odd word with our own owner value is that of another thread of this attachment, or of a publication around
    //  this one: its owner is alive. A failed publication keeps no owner, so it is not taken for one under way (KEEPS_OWNER).
    //
    //  Invariant: elements that a dead writer left half stored are never published. A writer that keeps some of them is refused
    //  (UPDATES_DEAD); one that overwrites all of them goes on.
    //
    //  Memory order: the odd word becomes visible before any element that is stored after it (NO_STORE_BARRIER). On x64 no store passes the
    //  compare-exchange, not even one that bypasses the cache, and this only stops the compiler. On arm64 the compare-exchange orders later
    //  loads behind it and not later stores, so a "dmb ishst" follows.
    /// <summary>Makes the word odd.</summary>
    /// <param name="page">The array's page, which is made if it does not exist.</param>
    /// <param name="overwritesAll">Whether the caller stores every element, and so repairs an incomplete publication.</param>
    /// <exception cref="InvalidOperationException">Another writer is alive, or the attachment may not store.</exception>
    /// <exception cref="AbandonedMutexException">The last publication is incomplete, and the caller does not overwrite it.</exception>
    /// <exception cref="IOException">All slots are in use, or there is no space for the control page.</exception>
    public static SnapshotPublication Begin(AttachedPage page, bool overwritesAll)
    {
        if (!page.IsWritable)
        {
            throw new InvalidOperationException($"'{page.Name}' is attached as a private copy, and cannot be published that way.");
        }

        int owner = page.Locks.GetOwner();
        ulong* word = (ulong*)(page.Address + ControlPage.SnapshotOffset);
        while (true)
        {
            page.ThrowIfLost();
            ulong seen = Volatile.Read(ref *word);
            if (SnapshotWord.IsOdd(seen))
            {
                ThrowUnlessDead(page, SnapshotWord.Owner(seen), overwritesAll);
            }

            ulong mine = SnapshotWord.Begin(seen, owner);
            if (SnapshotWord.TryChange(word, seen, mine))
            {
                Volatile.WriteBarrier();
                page.Publisher = Environment.CurrentManagedThreadId;
                return new SnapshotPublication(page, word, mine);
            }
        }
    }

    //  Memory order: the elements become visible before the even word. The compare-exchange is at least a release, on x64 and arm64.
    /// <summary>Makes the word even, and signals one change. Returns the number of the publication.</summary>
    /// <exception cref="InvalidDataException">Another process overwrote the word.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    public ulong Complete()
    {
        _page.ThrowIfLost();
        _isComplete = true;
        _page.Publisher = 0;
        ulong even = SnapshotWord.Complete(_mine);
        if (!SnapshotWord.TryChange(_word, _mine, even))
        {
            throw new InvalidDataException(
                $"The snapshot of '{_page.Name}' was overwritten by another process during a publication: its data cannot be trusted.");
        }

        // A writer that dies here has published, and no waiter is woken until the next change.
        _ = ChangeCounter.Signal(_page);
        return SnapshotWord.Number(even);
    }

    /// <summary>Marks an incomplete publication as abandoned, so that readers do not wait for it.</summary>
    public readonly void Dispose()
    {
        if (_isComplete)
        {
            return;
        }

        _page.Publisher = 0;
        if (!_page.IsLost)
        {
            _ = SnapshotWord.TryChange(_word, _mine, SnapshotWord.Fail(_mine));
        }
    }

    private static void ThrowUnlessDead(AttachedPage page, int owner, bool overwritesAll)
    {
        if (page.Locks.Owners.IsAliveNow(owner))
        {
            throw new InvalidOperationException(
                $"Another thread or process is publishing '{page.Name}'. An array has one writer at a time: hold a lock around each "
                + "publication if there are several.");
        }

        if (!overwritesAll)
        {
            throw SnapshotRead.Abandoned(page.Name);
        }
    }
}
