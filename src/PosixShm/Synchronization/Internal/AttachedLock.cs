using System.Runtime.CompilerServices;
using PosixShm.Formats;

namespace PosixShm.Synchronization;

//
//  The state of a lock in one attachment. The word in shared memory names the attachment that holds the lock; docs/FORMAT.md, "Locks",
//  defines it. These fields name the thread or the asynchronous entry that does.
//
//      state    _owner  _holder  memory                  the state ends with
//      closed   0       0        may be unmapped         Open, under the table's gate, unless the array is detached   -> open
//      open     slot    0        the array's reference   an entry: compare-exchange of the word                       -> held
//                                                        an asynchronous entry, under the gate                       -> held
//                                                        Close, under the gate                                        -> closed
//      held     slot    an id    the array's reference   Exit, by the holder                                          -> open
//                                                        Close, under the gate                                        -> kept
//                                                        Abandon, under the gate, after the holding thread has ended  -> open
//      kept     0       an id    the table's reference   Exit or Abandon, under the gate                              -> closed
//
//  Invariant: the memory is mapped during every entry and exit. In "open" and "held" these enter no gate. They are passages (LockThread),
//  and Close waits for all of them before the memory is unmapped. Only the owner of the word writes _holder: a write after the release
//  would erase the next holder's.
//
/// <summary>The state of one lock in one attachment. <see cref="SharedLock"/> is its handle.</summary>
internal sealed unsafe partial class AttachedLock
{
    private readonly LockTable _table;
    private readonly AttachedPage _page;
    private readonly int* _word;
    private readonly int* _lost;
    private readonly ulong* _first;
    private readonly long _tableId;
    private int _owner;
    private int _recursion;
    private long _holder;

    public AttachedLock(LockTable table, int index, int* word)
    {
        _table = table;
        _page = table.Page;
        _word = word;
        _lost = table.Page.Segment.Lost;
        _first = (ulong*)table.Page.Address;
        _tableId = table.Id;
        Index = index;
    }

    public int Index { get; }

    public AttachedPage Page => _page;

    // A program that saves over the file puts its elements in place of the word. One load, before each store.
    private bool IsOverwritten => *_first != ControlPage.Word;

    /// <summary>Gets the thread or entry that holds the lock; 0 if none of this process does.</summary>
    public long Holder => Volatile.Read(ref _holder);

    /// <summary>Gets whether the lock cannot be entered.</summary>
    public bool IsClosed => Volatile.Read(ref _owner) == 0;

    /// <summary>Reads the word: its state, and its owner's slot, which is 0 if it has none.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public (SharedLockState State, int OwnerSlot) Read()
    {
        using AttachedPage.Use use = _page.Using();
        if (!_page.TryFind())
        {
            return (SharedLockState.Free, 0);
        }

        int word = Volatile.Read(ref *_word);
        _page.ThrowIfLost();
        int owner = LockWord.Owner(word);
        SharedLockState unheld = word == LockWord.Free ? SharedLockState.Free : SharedLockState.Abandoned;
        return (owner != 0 && _table.Owners.IsAlive(owner) ? SharedLockState.Held : unheld, LockWord.Slot(owner));
    }

    /// <summary>Enters for the calling thread. False if the time ran out.</summary>
    public bool Enter(int timeout, CancellationToken cancellation)
    {
        LockThread thread = LockThread.Current;
        return TryEnterFast(thread, thread.Id) || EnterSlow(thread, thread.Id, timeout, recovers: false, out _, cancellation);
    }

    /// <summary>Enters for the calling thread, also if the lock is abandoned. Returns whether it was.</summary>
    public bool EnterRecovery(CancellationToken cancellation)
    {
        LockThread thread = LockThread.Current;
        _ = EnterSlow(thread, thread.Id, Timeout.Infinite, recovers: true, out bool wasAbandoned, cancellation);
        return wasAbandoned;
    }

    /// <summary>Exits for the calling thread.</summary>
    public void Exit(int leaveAs)
    {
        LockThread? thread = LockThread.CurrentOrNull;
        if (thread is null || thread.Id != _holder)
        {
            ThrowNotHeld();
        }

        if (_recursion > 0)
        {
            _recursion--;
            return;
        }

        thread.Held--;
        Leave(thread, thread.Id, leaveAs);
    }

    /// <summary>Opens the lock; under the table's gate.</summary>
    public void Open(int owner) => Volatile.Write(ref _owner, owner);

    /// <summary>Stops new passages; under the table's gate.</summary>
    public void Close() => Volatile.Write(ref _owner, 0);

    /// <summary>Makes an asynchronous entry the holder of the lock, whose word it has acquired; under the table's gate.</summary>
    public void Hold(long entry) => _holder = entry;

    /// <summary>Ends the hold of a thread or entry. False if it does not hold the lock. The release of the word follows.</summary>
    public bool TryEndHold(long holder) => Interlocked.CompareExchange(ref _holder, 0, holder) == holder;

    /// <summary>Leaves the lock on behalf of its holder, whose hold has ended; under the table's gate.</summary>
    public Exception? LeaveUnderGate(int leaveAs)
    {
        _recursion = 0;
        return LeaveWord(_table.Owners.Identity, leaveAs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterFast(LockThread thread, long holder)
    {
        thread.BeginPassage(_tableId);
        int owner = Volatile.Read(ref _owner);
        if (owner == 0 || IsOverwritten || Interlocked.CompareExchange(ref *_word, owner, LockWord.Free) != LockWord.Free)
        {
            thread.EndPassage();
            return false;
        }

        SetHolder(thread, holder);
        thread.EndPassage();
        return *_lost == 0 || ThrowLost(LockWord.Free);
    }

    private void SetHolder(LockThread thread, long holder)
    {
        _holder = holder;
        thread.Held += holder == thread.Id ? 1 : 0;
    }

    private void Leave(LockThread thread, long holder, int leaveAs)
    {
        thread.BeginPassage(_tableId);
        int owner = Volatile.Read(ref _owner);
        if (owner == 0)
        {
            thread.EndPassage();
            ThrowIfAny(_table.Leave(this, holder, leaveAs));
            return;
        }

        // Before the exchange: after it, another thread may hold the lock. Two threads may dispose one entry, and one of them exits.
        if (holder == thread.Id)
        {
            _holder = 0;
        }
        else if (!TryEndHold(holder))
        {
            thread.EndPassage();
            return;
        }

        if (!IsOverwritten && Interlocked.CompareExchange(ref *_word, leaveAs, owner) == owner)
        {
            thread.EndPassage();
            return;
        }

        Exception? error = LeaveWord(owner, leaveAs);
        thread.EndPassage();
        ThrowIfAny(error);
    }
}
