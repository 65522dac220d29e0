using System.Runtime.CompilerServices;
using PosixShm.Formats;
using PosixShm.Native;

namespace PosixShm.Synchronization;

//
//  The reader-writer lock in shared memory; docs/FORMAT.md, "The reader-writer lock". docs/model/rwlock.pml is the model of these steps.
//
//      offset   word       content
//      0        word       the writer, as in every lock (LockWord)
//      4        inside     not 0: the writer may have begun to store
//      8        draining   not 0: the writer may be asleep on the word of a slot
//      12       turn       not 0: readers that were overtaken too often request a pause of the writers
//
//  Readers are counted in bits 21 to 31 of their attachment's slot. So a reader stores into a word that no other attachment stores into,
//  and the death of its process takes the count's owner with it.
//
//  Invariant: no reader is inside while a writer is. A reader counts itself, then loads the word. A writer stores the word, then loads the
//  counts. With a full barrier between the two steps on both sides, at least one of the two meets the other. A reader that loads the word
//  first breaks it (READS_FIRST in the model), and so does a writer that loads the counts first (SCANS_FIRST).
//
/// <summary>The words of the reader-writer lock of one array, and the steps that change them.</summary>
/// <param name="page">The address of the control page.</param>
internal readonly unsafe struct ReaderWriterWords(nint page)
{
    /// <summary>The most readers of one attachment. The count has room for more, which are those that count themselves and find
    /// out.</summary>
    public const int MaxReaders = 2000;

    // Part of the format: one reader, and the generation, in the word of a slot.
    private const int GenerationBits = 21;
    public const int Reader = 1 << GenerationBits;
    private const int Generation = Reader - 1;

    private readonly int* _words = (int*)(page + ControlPage.ReaderWriterOffset);
    private readonly int* _slots = (int*)(page + ControlPage.SlotsOffset);

    /// <summary>Gets the address of the lock word.</summary>
    public int* Word => _words;

    public int* Inside => _words + 1;

    public int* Draining => _words + 2;

    public int* Turn => _words + 3;

    /// <summary>Gets the number of readers in the word of a slot.</summary>
    public static int Readers(int slotWord) => slotWord >>> GenerationBits;

    /// <summary>Gets the address of the word of a slot, from 1.</summary>
    public int* Slot(int slot) => _slots + slot - 1;

    /// <summary>Enters for reading (Reading, 2 and 3), after the word was found to be free. False if a writer has the word, or if there
    /// are too many readers: nothing is counted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryCountIn(int* slot, out int readers)
    {
        readers = Readers(Interlocked.Add(ref *slot, Reader));
        FullBarrier.AfterInterlocked();
        if (Volatile.Read(ref *Word) == LockWord.Free && readers <= MaxReaders)
        {
            return true;
        }

        GiveBack(slot);
        return false;
    }

    /// <summary>Leaves as a reader (Reading, leaving). False if the count was 0: another program wrote to the slot.</summary>
    /// <remarks>Invariant: a writer that is asleep on the slot is woken. The reader subtracts itself, and then loads "draining". The writer
    /// stores "draining", and then the kernel loads the count. Between the two steps, both have full barriers.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryCountOut(int* slot)
    {
        int left = Interlocked.Add(ref *slot, -Reader);
        FullBarrier.AfterInterlocked();
        return (Readers(left) != Readers(-1) && Volatile.Read(ref *Draining) == 0) || FinishCountOut(slot, left);
    }

    /// <summary>Returns the first slot, from a given one, that counts readers; 0 if no slot counts readers. The word is the
    /// caller's.</summary>
    public int FindReaders(int from)
    {
        // The word was stored before, and the counts are loaded after: see the invariant above.
        FullBarrier.AfterInterlocked();
        ReadOnlySpan<uint> slots = new(Slot(from), ControlPage.SlotCount - from + 1);
        int found = slots.IndexOfAnyExceptInRange(0u, (uint)Generation);
        Volatile.ReadBarrier();
        return found < 0 ? 0 : from + found;
    }

    /// <summary>Takes the readers of a dead attachment off. The whole word of the slot is compared: its generation too, since the slot may
    /// have another owner by now (NO_GENERATION in the model).</summary>
    public void Clear(int slot, int seen) => _ = LockWord.TryChange(Slot(slot), seen, seen & Generation);

    /// <summary>Begins to write, when no reader is left.</summary>
    public void BeginWriting()
    {
        if (Volatile.Read(ref *Draining) != 0)
        {
            Volatile.Write(ref *Draining, 0);
        }

        // Before anything is stored into the elements: a writer that dies with "inside" = 0 is not suspect.
        Volatile.Write(ref *Inside, 1);
        Volatile.WriteBarrier();
    }

    /// <summary>Ends the request for a pause.</summary>
    public void EndTurn()
    {
        Volatile.Write(ref *Turn, 0);
        _ = Interop.FutexWake(Turn, int.MaxValue);
    }

    /// <summary>Replaces the word of a writer, and wakes all waiters. False if the word has another value.</summary>
    /// <remarks>All, and not one: readers wait for the same word as writers, and no woken waiter takes a wake-up with it when it dies or
    /// gives up.</remarks>
    public bool TryReplace(int seen, int next)
    {
        if (!LockWord.TryChange(Word, seen, next))
        {
            return false;
        }

        if ((seen & LockWord.Waiters) != 0)
        {
            _ = Interop.FutexWake(Word, int.MaxValue);
        }

        return true;
    }

    /// <summary>Releases the word on behalf of its owner. False if it names another owner: another program wrote to it.</summary>
    public bool TryLeave(int owner, WriteExit how)
    {
        int seen = Volatile.Read(ref *Word);
        while (LockWord.Owner(seen) == owner)
        {
            int next = how switch
            {
                WriteExit.Died => LockWord.Abandoned,
                WriteExit.Repaired => LockWord.Free,
                _ => seen & LockWord.Abandoned,
            };
            if (next == LockWord.Free)
            {
                // After all that was stored into the elements, and before the word is free for the next writer.
                Volatile.Write(ref *Inside, 0);
            }

            if (TryReplace(seen, next))
            {
                return true;
            }

            seen = Volatile.Read(ref *Word);
        }

        return false;
    }

    /// <summary>Takes the word from an owner that is known to be dead (Writing, to bury). It was not inside, or it is suspect.</summary>
    /// <remarks>Invariant: "inside" is loaded after the owner's death is known. A load before it may miss the last store of the owner
    /// (INSIDE_FIRST in the model).</remarks>
    public void Bury(int seen)
    {
        bool isSuspect = (seen & LockWord.Abandoned) != 0 || Volatile.Read(ref *Inside) != 0;
        _ = TryReplace(seen, isSuspect ? LockWord.Abandoned : LockWord.Free);
    }

    /// <summary>Makes the exception for a caller that meets an abandoned word. Other waiters are woken, and meet it too.</summary>
    public AbandonedMutexException MakeAbandoned(AttachedPage attached, int seen)
    {
        if (seen != LockWord.Abandoned)
        {
            _ = TryReplace(seen, LockWord.Abandoned);
        }

        return new(
            $"The reader-writer lock of '{attached.Name}' is abandoned: a writer died inside, and may have left the data half changed. "
            + "Enter with EnterRecovery, repair, and call MarkConsistent.");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GiveBack(int* slot) => _ = TryCountOut(slot);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool FinishCountOut(int* slot, int left)
    {
        if (Readers(left) == Readers(-1))
        {
            _ = Interlocked.Add(ref *slot, Reader);
            return false;
        }

        _ = Interop.FutexWake(slot, int.MaxValue);
        return true;
    }
}

/// <summary>The ways in which a writer leaves.</summary>
internal enum WriteExit
{
    Usual,    // the lock is free, or stays abandoned if the writer came to repair
    Repaired, // the lock is free
    Died,     // the thread has ended inside
}
