using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using PosixShm.Formats;

namespace PosixShm.Synchronization;

//
//  The state of the reader-writer lock in one attachment. The words in shared memory name the attachments that are inside. A note of each
//  thread (ThreadNote), and the count of asynchronous entries here, name the holders within the attachment.
//
//      state    _isOpen  memory                  the state ends with
//      closed   false    may be unmapped         Open, under the table's gate, unless the array is detached   -> open
//      open     true     the array's reference   Close, under the gate                                        -> closed; kept, if any
//                                                                                                                thread or entry stays
//      kept     false    the table's reference   the end of the last stay that Close has counted              -> closed
//
//  Invariant: the memory is mapped during every entry and exit. A stay is from the beginning of an entry to the end of the exit. The thread
//  notes its beginning before it loads whether the lock is open, and its end after the last use of the words, and before it loads that
//  again. Close clears "open", makes every other thread execute a memory barrier (membarrier(2)), and then counts the stays and keeps the
//  memory for them. So either Close counts a stay, or the entry finds the lock closed and uses no word. A stay that ends and finds the lock
//  closed was counted or not, which its note shows under the gate (EndStay). An entry that waits has a reference of its own
//  (AttachedPage.Use).
//
//  A passage (LockThread) around each entry and each exit would do as well. But a processor completes all stores before an atomic
//  operation, and passages are two stores more before each of the two.
//
/// <summary>The state of the reader-writer lock in one attachment. <see cref="SharedReaderWriterLock"/> is its handle.</summary>
internal sealed unsafe partial class AttachedReaderWriterLock(LockTable table)
{
    private readonly ReaderWriterWords _words = new(table.Page.Address);
    private readonly AttachedPage _page = table.Page;
    private readonly int* _lost = table.Page.Segment.Lost;
    private readonly ulong* _first = (ulong*)table.Page.Address;
    private volatile bool _isOpen;
    private int _owner; // this attachment's owner value, and the word of its slot, since the lock was first opened
    private int* _slot;

    public AttachedPage Page => _page;

    /// <summary>Gets whether the calling thread has entered for reading, through this attachment.</summary>
    public bool IsReadLockHeld => ThreadNote.InsideOf(this) is { Reads: > 0 };

    /// <summary>Gets whether the calling thread has entered for writing, through this attachment.</summary>
    public bool IsWriteLockHeld => ThreadNote.InsideOf(this) is { Writes: > 0 };

    // A program that saves over the file puts its elements in place of the words. One load, before each store.
    private bool IsOverwritten => *_first != ControlPage.Word;

    /// <summary>Reads the state.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedReaderWriterLockState Read()
    {
        using AttachedPage.Use use = _page.Using();
        if (!_page.TryFind())
        {
            return SharedReaderWriterLockState.Free;
        }

        int word = Volatile.Read(ref *_words.Word);
        bool isInside = Volatile.Read(ref *_words.Inside) != 0;
        _page.ThrowIfLost();
        int owner = LockWord.Owner(word);
        bool isOwned = owner != 0 && table.Owners.IsAlive(owner);
        if (word != LockWord.Free && !isOwned && (owner == 0 || isInside || (word & LockWord.Abandoned) != 0))
        {
            return SharedReaderWriterLockState.Abandoned;
        }

        return isOwned && isInside ? SharedReaderWriterLockState.HeldByWriter
            : HasReaders() ? SharedReaderWriterLockState.HeldByReaders
            : isOwned ? SharedReaderWriterLockState.HeldByWriter
            : SharedReaderWriterLockState.Free;
    }

    /// <summary>Enters for reading. False if the time ran out.</summary>
    /// <param name="note">The calling thread's note for this lock.</param>
    /// <param name="timeout">The time limit in milliseconds.</param>
    /// <param name="cancellation">Ends the wait.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool EnterRead(ThreadNote note, int timeout, CancellationToken cancellation)
    {
        if (!note.IsIdle)
        {
            // Through the shared words, it would wait behind a writer that waits for the first entry.
            note.Reads = checked(note.Reads + 1);
            return true;
        }

        return TryEnterReadFast(note) || EnterReadSlow(note, timeout, cancellation);
    }

    /// <summary>Enters for writing. False if the time ran out.</summary>
    /// <inheritdoc cref="EnterRead"/>
    public bool EnterWrite(ThreadNote note, int timeout, CancellationToken cancellation)
    {
        if (!note.IsIdle)
        {
            ThrowIfUpgrade(note);
            note.Writes = checked(note.Writes + 1);
            return true;
        }

        return TryEnterWriteFast(note) || EnterWriteSlow(note, timeout, recovers: false, out _, cancellation);
    }

    /// <summary>Enters for writing, also if the lock is abandoned. Returns whether it was.</summary>
    /// <inheritdoc cref="EnterRead"/>
    public bool EnterRecovery(ThreadNote note, CancellationToken cancellation)
    {
        if (!note.IsIdle)
        {
            throw new LockRecursionException(
                $"The current thread is already inside the reader-writer lock of '{_page.Name}', which is not abandoned.");
        }

        // While a closing thread counted it, the note may have passed from a stay in another lock to this lock.
        EndStay(note);
        _ = EnterWriteSlow(note, Timeout.Infinite, recovers: true, out bool wasAbandoned, cancellation);
        return wasAbandoned;
    }

    /// <summary>Exits as a reader.</summary>
    /// <param name="note">The calling thread's note of the entry, if it is still that.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ExitRead(ThreadNote? note)
    {
        if (note is not null && note.IsOneReader(this) && !IsOverwritten && _words.TryCountOut(_slot))
        {
            note.Reads = 0;
            EndStay(note);
            return;
        }

        ExitReadSlow();
    }

    /// <summary>Exits as a writer. A thread that has also entered for reading stays inside as a reader.</summary>
    /// <param name="note">The calling thread's note of the entry, if it is still that.</param>
    /// <param name="how">The way of leaving.</param>
    public void ExitWrite(ThreadNote? note, WriteExit how)
    {
        // A scope's note may be bound to another lock by now, if the thread has left the lock inside the scope.
        note = note?.IsInside(this) == true ? note : ThreadNote.InsideOf(this);
        if (note is null || note.Writes == 0)
        {
            ThrowNotHeld("write");
        }

        if (note.Writes > 1)
        {
            note.Writes--;
            return;
        }

        Exception? error = LeaveAsWriter(how, staysAsReader: note.Reads > 0);
        note.Writes = 0;
        EndStay(note);
        ThrowIfAny(error);
    }

    /// <summary>Leaves on behalf of a thread that has ended inside, if it has.</summary>
    public void Abandon(ThreadNote note)
    {
        if (note.IsInside(this))
        {
            table.Leave(() =>
            {
                _ = note.Writes > 0 ? LeaveAsWriter(WriteExit.Died, staysAsReader: false) : LeaveAsReader();
                note.Reads = 0;
                note.Writes = 0;
                return note.TakeKept();
            });
        }
    }

    /// <summary>Opens the lock; under the table's gate.</summary>
    public void Open(int owner)
    {
        _owner = owner;
        _slot = _words.Slot(LockWord.Slot(owner));
        _isOpen = true;
    }

    /// <summary>Stops new stays; under the table's gate.</summary>
    public void Close() => _isOpen = false;

    /// <summary>Counts the stays in a closed lock, for which the memory is to be kept; under the table's gate, after a memory barrier of
    /// all threads.</summary>
    public int KeepHolders() => _entries + ThreadNote.KeepHolders(this);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterReadFast(ThreadNote note)
    {
        note.Reads = 1;
        if (!_isOpen || IsOverwritten || Volatile.Read(ref *_words.Word) != LockWord.Free || !_words.TryCountIn(_slot, out _))
        {
            note.Reads = 0;
            EndStay(note);
            return false;
        }

        return *_lost == 0 || ThrowLost(note);
    }

    private bool TryEnterWriteFast(ThreadNote note)
    {
        note.Writes = 1;
        bool isInside = _isOpen && !IsOverwritten && Volatile.Read(ref *_words.Turn) == 0
            && LockWord.TryChange(_words.Word, LockWord.Free, _owner);
        if (isInside && _words.FindReaders(from: 1) != 0)
        {
            _ = _words.TryLeave(_owner, WriteExit.Usual);
            isInside = false;
        }

        if (!isInside)
        {
            note.Writes = 0;
            EndStay(note);
            return false;
        }

        _words.BeginWriting();
        return *_lost == 0 || ThrowLost(note);
    }

    // Follows the store that ends the stay.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EndStay(ThreadNote note)
    {
        if (!_isOpen)
        {
            EndStayInClosed(note);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EndStayInClosed(ThreadNote note) => table.Leave(note.TakeKept);

    // An exit of another entry than the scope's, a recursive one, or none at all. Or the words are not this attachment's any more.
    private void ExitReadSlow()
    {
        ThreadNote? note = ThreadNote.InsideOf(this);
        if (note is null || note.Reads == 0)
        {
            ThrowNotHeld("read");
        }

        // A writer that also reads is not counted in its slot.
        Exception? error = note.IsOneReader(this) ? LeaveAsReader() : null;
        note.Reads--;
        EndStay(note);
        ThrowIfAny(error);
    }

    // Both are called during a stay or with a reference, and return an error if the words are not this attachment's any more.
    private Exception? LeaveAsReader() => !IsOverwritten && _words.TryCountOut(_slot) ? null : MakeOverwritten();

    private Exception? LeaveAsWriter(WriteExit how, bool staysAsReader)
    {
        if (staysAsReader && !IsOverwritten)
        {
            // Before the word is free: no other writer comes in between.
            _ = Interlocked.Add(ref *_slot, ReaderWriterWords.Reader);
        }

        return !IsOverwritten && _words.TryLeave(_owner, how) ? null : MakeOverwritten();
    }

    private bool HasReaders()
    {
        for (int slot = 1; slot <= ControlPage.SlotCount && (slot = _words.FindReaders(slot)) != 0; slot++)
        {
            if (table.Owners.IsAlive(LockWord.MakeOwner(slot, Volatile.Read(ref *_words.Slot(slot)))))
            {
                return true;
            }
        }

        return false;
    }

    private void ThrowIfUpgrade(ThreadNote note)
    {
        if (note.Writes == 0)
        {
            throw new LockRecursionException(
                $"The current thread reads '{_page.Name}', and cannot enter for writing before it exits: two readers that did so would "
                + "wait for each other for ever. Exit, enter for writing, and check the data again.");
        }
    }

    [DoesNotReturn]
    private void ThrowNotHeld(string what)
        => throw new SynchronizationLockException($"The current thread does not hold the {what} lock of '{_page.Name}'.");
}
