using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using PosixShm.Formats;

namespace PosixShm.Synchronization;

//
//  The state of the reader-writer lock in one attachment. The words in shared memory name the attachments that are inside. A note of each
//  thread (ThreadNote), and the counts of asynchronous entries here, name the holders within the attachment.
//
//      state    _isOpen  memory                  the state ends with
//      closed   false    may be unmapped         Open, under the table's gate, unless the array is detached   -> open
//      open     true     the array's reference   Close, under the gate                                        -> closed; kept, if any
//                                                                                                                holder is inside
//      kept     false    the table's reference   the exit, or the end, of the last holder, under the gate     -> closed
//
//  Invariant: the memory is mapped during every entry and exit. In "open" these enter no gate. They are passages (LockThread), and Close
//  waits for all of them before it counts the holders. In "kept" there are no entries, and exits are made under the gate. An entry that
//  waits has a reference of its own (AttachedPage.Use).
//
/// <summary>The state of the reader-writer lock in one attachment. <see cref="SharedReaderWriterLock"/> is its handle.</summary>
internal sealed unsafe partial class AttachedReaderWriterLock(LockTable table)
{
    private readonly ReaderWriterWords _words = new(table.Page.Address);
    private readonly AttachedPage _page = table.Page;
    private readonly int* _lost = table.Page.Segment.Lost;
    private readonly ulong* _first = (ulong*)table.Page.Address;
    private readonly long _tableId = table.Id;
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
    public bool EnterRead(int timeout, CancellationToken cancellation)
    {
        ThreadNote note = ThreadNote.For(this);
        if (note.IsInside(this))
        {
            // Through the shared words, it would wait behind a writer that waits for the first entry.
            note.Reads = checked(note.Reads + 1);
            return true;
        }

        return TryEnterReadFast(note) || EnterReadSlow(note, timeout, cancellation);
    }

    /// <summary>Enters for writing. False if the time ran out.</summary>
    public bool EnterWrite(int timeout, CancellationToken cancellation)
    {
        ThreadNote note = ThreadNote.For(this);
        if (note.IsInside(this))
        {
            ThrowIfUpgrade(note);
            note.Writes = checked(note.Writes + 1);
            return true;
        }

        return TryEnterWriteFast(note) || EnterWriteSlow(note, timeout, recovers: false, out _, cancellation);
    }

    /// <summary>Enters for writing, also if the lock is abandoned. Returns whether it was.</summary>
    public bool EnterRecovery(CancellationToken cancellation)
    {
        ThreadNote note = ThreadNote.For(this);
        if (note.IsInside(this))
        {
            throw new LockRecursionException(
                $"The current thread is already inside the reader-writer lock of '{_page.Name}', which is not abandoned.");
        }

        _ = EnterWriteSlow(note, Timeout.Infinite, recovers: true, out bool wasAbandoned, cancellation);
        return wasAbandoned;
    }

    /// <summary>Exits as a reader.</summary>
    public void ExitRead()
    {
        ThreadNote? note = ThreadNote.InsideOf(this);
        if (note is null || note.Reads == 0)
        {
            ThrowNotHeld("read");
        }

        // A writer that also reads is not counted in its slot.
        if (note.Reads > 1 || note.Writes > 0)
        {
            note.Reads--;
            return;
        }

        note.Thread.BeginPassage(_tableId);
        if (!_isOpen)
        {
            note.Thread.EndPassage();
            ThrowIfAny(LeaveUnderGate(note, WriteExit.Usual));
            return;
        }

        note.Reads = 0;
        Exception? error = LeaveAsReader();
        note.Thread.EndPassage();
        ThrowIfAny(error);
    }

    /// <summary>Exits as a writer. A thread that has also entered for reading stays inside as a reader.</summary>
    public void ExitWrite(WriteExit how)
    {
        ThreadNote? note = ThreadNote.InsideOf(this);
        if (note is null || note.Writes == 0)
        {
            ThrowNotHeld("write");
        }

        if (note.Writes > 1)
        {
            note.Writes--;
            return;
        }

        note.Thread.BeginPassage(_tableId);
        if (!_isOpen)
        {
            note.Thread.EndPassage();
            ThrowIfAny(LeaveUnderGate(note, how));
            return;
        }

        note.Writes = 0;
        Exception? error = LeaveAsWriter(how, staysAsReader: note.Reads > 0);
        note.Thread.EndPassage();
        ThrowIfAny(error);
    }

    /// <summary>Leaves on behalf of a thread that has ended inside, if it has.</summary>
    public void Abandon(ThreadNote note)
    {
        if (note.IsInside(this))
        {
            _ = LeaveUnderGate(note, WriteExit.Died);
        }
    }

    /// <summary>Opens the lock; under the table's gate.</summary>
    public void Open(int owner)
    {
        _owner = owner;
        _slot = _words.Slot(LockWord.Slot(owner));
        _isOpen = true;
    }

    /// <summary>Stops new passages; under the table's gate.</summary>
    public void Close() => _isOpen = false;

    /// <summary>Counts the holders of a closed lock after all passages; under the table's gate.</summary>
    public int CountHolders() => _entries + ThreadNote.CountHolders(this);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterReadFast(ThreadNote note)
    {
        note.Thread.BeginPassage(_tableId);
        if (!_isOpen || IsOverwritten || Volatile.Read(ref *_words.Word) != LockWord.Free || !_words.TryCountIn(_slot, out _))
        {
            note.Thread.EndPassage();
            return false;
        }

        note.Bind(this);
        note.Reads = 1;
        note.Thread.EndPassage();
        return *_lost == 0 || ThrowLost(note);
    }

    private bool TryEnterWriteFast(ThreadNote note)
    {
        note.Thread.BeginPassage(_tableId);
        bool isInside = _isOpen && !IsOverwritten && Volatile.Read(ref *_words.Turn) == 0
            && LockWord.TryChange(_words.Word, LockWord.Free, _owner);
        if (isInside && _words.FindReaders(from: 1) != 0)
        {
            _ = _words.TryLeave(_owner, WriteExit.Usual);
            isInside = false;
        }

        if (isInside)
        {
            _words.BeginWriting();
            note.Bind(this);
            note.Writes = 1;
        }

        note.Thread.EndPassage();
        return isInside && (*_lost == 0 || ThrowLost(note));
    }

    // Both are called in a passage, with a reference or under the gate, and return an error if the words are not this attachment's any
    // more.
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
