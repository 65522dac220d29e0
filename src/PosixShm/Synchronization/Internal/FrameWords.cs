using System.Runtime.Intrinsics.X86;
using PosixShm.Native;

namespace PosixShm.Synchronization;

//
//  A stream of frames has four words in one line of the control page; docs/FORMAT.md, "Streams of frames":
//
//      offset  size  field
//      0       8     head: the newest whole frame; 0: no frame
//      8       8     reserved: the newest frame whose slot the writer may have begun to fill
//      16      4     owner: the writer, as in a lock word; 0: no writer
//      20      4     sleepers: bit 0: a reader may be asleep on this word; bits 1 to 31 count the wake-ups
//
//  Frame n, from 1, lies in slot n % slots. Invariant: reserved is head or head + 1. Every writer keeps it, and it survives a writer's
//  death at any step. So two counters decide which slots are whole: frame n is whole if n <= head and reserved - n < slots.
//
//  docs/model/frames.pml is the model. The paragraphs name its wrong variants, which show what breaks the invariants.
//
/// <summary>The words of a stream of frames. The page exists, and is mapped during every call.</summary>
/// <param name="line">The address of the stream's line in the control page.</param>
internal readonly unsafe struct FrameWords(nint line)
{
    private const int SleeperMark = 1;

    /// <summary>Gets the newest whole frame; 0: no frame. A caller that reads it also sees the bytes of the frame.</summary>
    public ulong Head => Volatile.Read(ref *(ulong*)line);

    /// <summary>Gets the newest frame whose slot the writer may have begun to fill.</summary>
    public ulong Reserved => Volatile.Read(ref *((ulong*)line + 1));

    /// <summary>Gets the owner value of the writer; 0: no writer.</summary>
    public int Owner => Volatile.Read(ref *OwnerWord);

    /// <summary>Gets the word on which readers sleep.</summary>
    public int Sleepers => Volatile.Read(ref *SleepersWord);

    /// <summary>Gets the address of the word on which readers sleep.</summary>
    public int* SleepersWord => (int*)line + 5;

    private int* OwnerWord => (int*)line + 4;

    /// <summary>Becomes the writer, unless a living one owns the stream. Returns 0, or the owner that lives.</summary>
    public int TryOwn(int owner, LockOwners owners)
    {
        int seen = Owner;
        while (seen == 0 || !owners.IsAlive(seen))
        {
            int before = Interlocked.CompareExchange(ref *OwnerWord, owner, seen);
            if (before == seen)
            {
                return 0;
            }

            seen = before;
        }

        return seen;
    }

    /// <summary>Ends the writer. A word with another owner is not changed.</summary>
    public void Disown(int owner) => _ = Interlocked.CompareExchange(ref *OwnerWord, 0, owner);

    //  Reserve. Invariant: a reader that sees one byte of frame n also sees reserved >= n in its next check. The barrier keeps the stores
    //  of the frame's bytes behind the store of "reserved"; without it, or with the bytes first, a reader accepts an overwritten frame
    //  (NO_RESERVE). x64 keeps ordinary stores in order, but not those that bypass the cache: memcpy and TensorPrimitives use them for
    //  large spans, so the fence is an instruction there, too.
    public void Reserve(ulong frame)
    {
        Volatile.Write(ref *((ulong*)line + 1), frame);
        Volatile.WriteBarrier();
        if (Sse.IsSupported)
        {
            Sse.StoreFence();
        }
    }

    //  Commit. Invariant: a frame up to "head" is whole. The exchange releases its bytes; an exchange before the last byte breaks the
    //  invariant (EARLY_HEAD). Its full barrier orders it before the load of "sleepers": a reader does the opposite (MarkSleeper), so one
    //  of the two sees the other (NO_RECHECK).
    public void Commit(ulong frame)
    {
        _ = Interlocked.Exchange(ref *(ulong*)line, frame);
        FullBarrier.AfterInterlocked();
    }

    //  Wake-up. Invariant: a reader that saw no frame is woken after the next commit, or does not sleep. The addition clears bit 0 and
    //  counts, so the word has a new value: a reader that is late between its last check and its sleep does not sleep. With the bit
    //  alone, such a reader takes the mark of another reader, set after this wake-up, for its own (FLAG_ONLY). The word changes before the
    //  wake-up: a change after it can erase the mark of a reader that was not woken (CLEAR_LATE).
    /// <summary>Wakes the readers.</summary>
    /// <param name="always">Whether to make the system call also if no reader has marked the word: a reader without write permission cannot
    /// mark it.</param>
    public void Wake(bool always)
    {
        bool isMarked = (Sleepers & SleeperMark) != 0;
        if (isMarked)
        {
            _ = Interlocked.Increment(ref *SleepersWord);
        }

        if (isMarked || always)
        {
            _ = Interop.FutexWake(SleepersWord, int.MaxValue);
        }
    }

    /// <summary>Marks that a reader may be asleep, and returns the value to sleep on. The caller loads "head" again before it
    /// sleeps.</summary>
    public int MarkSleeper()
    {
        int marked = Interlocked.Or(ref *SleepersWord, SleeperMark) | SleeperMark;
        FullBarrier.AfterInterlocked();
        return marked;
    }

    //  Check. Invariant: a reader accepts only bytes that no writer has touched since they were committed. The barrier keeps the loads of
    //  the bytes before the load of "reserved"; a load of "reserved" before them accepts an overwritten frame (EARLY_CHECK). A comparison
    //  with "head" (CHECK_HEAD), or with "reserved" one frame later (OFF_BY_ONE), misses the frame that is being filled. The difference
    //  only grows, so a reader may check at any later time. x64 needs no instruction, but the JIT must not move the loads either.
    /// <summary>Returns whether no byte of a frame was overwritten, after the last load of one.</summary>
    public bool IsWhole(ulong frame, ulong slots)
    {
        Volatile.ReadBarrier();
        return unchecked(Reserved - frame) < slots;
    }
}
