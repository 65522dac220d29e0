using PosixShm.Arrays;
using PosixShm.Formats;
using PosixShm.Names;

namespace PosixShm.Synchronization;

/// <summary>The rules of one read of a snapshot: Reading, steps 1 to 4, of docs/FORMAT.md, "Snapshots".</summary>
/// <remarks>docs/model/snapshot.pml is the model of these steps. The paragraphs name its wrong variants, which show what breaks
/// them.</remarks>
internal unsafe struct SnapshotRead : IWaitRules
{
    // An attempt loads the word this often. A publication of up to some KiB ends meanwhile.
    private const int MaxLooks = 64;

    // The copies of an attempt. A larger array gets one, so that the token and the time are checked between two.
    private const int MaxCopies = 8;
    private const long MaxCopiedAgain = 1 << 20;

    // No process wakes a reader; docs/FORMAT.md, "Snapshots".
    private const int NapMilliseconds = 1;

    private readonly AttachedPage _page;
    private readonly AttachedArray _array;
    private readonly ulong* _word;
    private readonly byte* _elements;
    private readonly int* _lostWord;
    private readonly byte* _copy;
    private readonly int _maxCopies;
    private ulong _seen;

    /// <summary>Prepares a read of all elements. The caller has a reference to the segment until it ends.</summary>
    /// <param name="page">The array's page, which need not exist.</param>
    /// <param name="array">The array.</param>
    /// <param name="copy">The memory for all elements, in C order.</param>
    /// <exception cref="IOException">The array is a private copy, and its shared elements cannot be mapped.</exception>
    public SnapshotRead(AttachedPage page, AttachedArray array, void* copy)
    {
        _page = page;
        _array = array;
        _word = (ulong*)(page.Address + ControlPage.SnapshotOffset);
        _elements = (byte*)array.Segment.GetSharedAddress(out _lostWord) + array.Header.DataOffset;
        _copy = (byte*)copy;
        _maxCopies = array.Header.DataLength <= MaxCopiedAgain ? MaxCopies : 1;
    }

    /// <summary>Gets the number of the publication that was copied.</summary>
    public readonly ulong Number => SnapshotWord.Number(_seen);

    /// <summary>Gets null, or the lost word of the mapping that lost memory during the copy, which then has no meaning.</summary>
    public int* Lost { get; private set; }

    /// <summary>Makes the exception for an incomplete publication.</summary>
    public static AbandonedMutexException Abandoned(SegmentName name)
        => new($"The last publication of '{name}' is incomplete: its writer died or failed, and left the elements half changed. "
            + "Publish replaces all of them, and so repairs the array.");

    //  Probe (Reading, 1 to 4). Invariant: a copy is whole if the word is even and the same before and after it. A writer makes the word
    //  odd before it stores an element, and never gives it a former value. So an element that was stored during the copy changes the word
    //  before it is stored, and the second load meets the change (NO_SECOND_LOAD).
    //
    //  Memory order: the first load is an acquire, so the elements are loaded after it. The second load must come after the loads of all
    //  elements (NO_LOAD_BARRIER): a load with acquire order keeps only later loads behind it, so a barrier comes between. On x64 loads are
    //  not reordered, and this only stops the compiler; on arm64 it is a "dmb ishld".
    //
    //  Without a page the word is 0, and the second load searches the page again: a writer makes the page before it stores
    //  (NO_SECOND_FIND).
    public WaitStep Probe(out int seen)
    {
        int copies = 0;
        for (int look = 0; look < MaxLooks && copies < _maxCopies; look++)
        {
            _seen = Load();
            if (SnapshotWord.IsOdd(_seen))
            {
                Thread.SpinWait(1);
                continue;
            }

            Copy();
            Volatile.ReadBarrier();
            if (Load() == _seen || Lost is not null)
            {
                seen = 0;
                return WaitStep.Done;
            }

            copies++;
        }

        seen = unchecked((int)_seen);
        return WaitStep.Wait;
    }

    //  Spin. The probe loads the word often enough.
    public readonly bool CanSpin(int seen) => false;

    //  Check (Reading, 1). Invariant: only a writer that is dead is reported as one. The owner is checked between two loads of the same
    //  word, which names it, so the answer is not about another writer. A slot that is used again has another generation (NO_GENERATION).
    public readonly WaitStep Check(int seen, bool isDue)
    {
        _page.ThrowIfLost();
        if (!isDue)
        {
            return WaitStep.Wait;
        }

        _page.ThrowIfDetached();
        ThrowIfOwn();
        if (!SnapshotWord.IsOdd(_seen) || _page.Locks.Owners.IsAlive(SnapshotWord.Owner(_seen)))
        {
            return WaitStep.Wait;
        }

        return Load() == _seen ? throw Abandoned(_page.Name) : WaitStep.Retry;
    }

    //  Sleep. The lower half of the word has the owner and the end of the sequence; both supported processors store it first. A publication
    //  wakes no reader of the word, so a change ends the sleep only if it comes before it.
    public readonly WaitStep PrepareSleep(int seen, out WaitPlace place)
    {
        place = _page.IsFound ? WaitPlace.All((int*)_word, seen, NapMilliseconds) : WaitPlace.Timer(NapMilliseconds);
        return WaitStep.Wait;
    }

    public readonly void EndSleep()
    {
    }

    public readonly void GiveUp()
    {
    }

    // A read in the callback of a publication would wait for its own thread for ever. Only this thread stores its own id.
    private readonly void ThrowIfOwn()
    {
        if (_page.Publisher == Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException(
                $"This thread is publishing '{_page.Name}', and a snapshot of it cannot be read before the publication has ended. The "
                + "callback has the elements: UpdateSnapshot passes those of the last publication.");
        }
    }

    // The search is a call, and makes a system call while there is no page.
    private readonly ulong Load() => _page.IsFound || _page.TryFind() ? Volatile.Read(ref *_word) : 0;

    private void Copy()
    {
        ArrayHeader header = _array.Header;
        Lost = ElementCopy.Out(header, (int)header.Type.Size, _elements, 0, _copy, header.Length, _lostWord);
    }
}
