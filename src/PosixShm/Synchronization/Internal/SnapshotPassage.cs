using PosixShm.Arrays;
using PosixShm.Formats;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

//
//  The usual read of a small snapshot: the word is even, and no memory is lost. Everything else is left to SnapshotRead, which begins again
//  with a reference to the segment. Its comments have the invariant of a whole copy and the memory order, which are the same here.
//
//  Invariant: the memory is mapped during the copy. The copy is a passage (LockThread), which is announced before the page is found not to
//  be detached. A page that is detached awaits all passages before its array releases the segment (AttachedPage.RemoveUser). So a disposal
//  may wait for a copy, and larger copies have a reference instead. Nothing in a passage throws: it would never end.
//
/// <summary>Reads of a small snapshot without a reference to the segment, whose two atomic operations would take longer than the
/// copy.</summary>
internal sealed unsafe class SnapshotPassage
{
    // A copy of 64 KiB takes some microseconds, and a reference is then no cost.
    private const long MaxLength = 64 << 10;

    private readonly AttachedPage _page;
    private readonly long _id;
    private readonly ulong* _first;
    private readonly ulong* _word;
    private readonly int* _lost;
    private readonly byte* _elements;
    private readonly ulong _length;

    private SnapshotPassage(AttachedPage page, AttachedArray array)
    {
        _page = page;
        _id = page.Locks.Id;
        _first = (ulong*)page.Address;
        _word = (ulong*)(page.Address + ControlPage.SnapshotOffset);
        _lost = array.Segment.Lost;
        _elements = (byte*)array.Segment.GetSharedAddress(out _) + array.Header.DataOffset;
        _length = (ulong)array.Header.DataLength;
    }

    /// <summary>Makes the passages of an array. Null if it has none: its page is not found yet, it is large or in Fortran order, or only a
    /// system call shows that its elements were truncated. The caller has a reference to the segment.</summary>
    public static SnapshotPassage? TryCreate(AttachedPage page, AttachedArray array)
        => array.Header.DataLength <= MaxLength && !array.Header.IsFortranOrder && page.IsFound && Segment.IsGuarded
            ? new SnapshotPassage(page, array)
            : null;

    /// <summary>Makes one attempt. False if the read has to be made with a reference.</summary>
    /// <param name="copy">The memory for all elements. It has no meaning after <see langword="false"/>.</param>
    /// <param name="number">The number of the publication that was copied.</param>
    public bool TryRead(void* copy, out ulong number)
    {
        number = 0;
        LockThread? thread = LockThread.CurrentOrNull;
        if (thread is null)
        {
            return false;
        }

        thread.BeginPassage(_id);
        bool isRead = !_page.IsDetached && TryCopy(copy, out number);
        thread.EndPassage();
        return isRead;
    }

    //  The word of the page comes before the checks for lost memory: a truncation of any elements takes the page as well, and the load of
    //  the word then meets zeros.
    private bool TryCopy(void* copy, out ulong number)
    {
        ulong seen = Volatile.Read(ref *_word);
        number = SnapshotWord.Number(seen);
        if (SnapshotWord.IsOdd(seen))
        {
            return false;
        }

        int* lost = Interop.Copy(copy, _elements, _length);
        Volatile.ReadBarrier();
        return Volatile.Read(ref *_word) == seen
            && Volatile.Read(ref *_first) == ControlPage.Word
            && lost is null && Volatile.Read(ref *_lost) == 0;
    }
}
