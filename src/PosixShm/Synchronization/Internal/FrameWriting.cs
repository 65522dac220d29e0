using System.Diagnostics.CodeAnalysis;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

//
//  The state of a stream's writer in its process:
//
//      state    memory                  the stream  the state ends with
//      idle     the writer's reference  owned       Begin                   -> open
//                                                   Close                   -> closed
//      open     the writer's reference  owned       Commit or End           -> idle
//                                                   Close, on any thread    -> closing
//      closing  the writer's reference  owned       Commit or End           -> closed
//      closed   may be unmapped         not owned   none: the state is final
//
//  Invariant: while a slot is open, the stream is owned. So no other writer fills the same slot, and no other writer commits it. Close
//  therefore leaves an open slot's writer in "closing". If it released the stream, the next writer would reserve the same frame, and this
//  writer's commit would show the other one's half frame.
//
/// <summary>The writer of a stream. One thread at a time writes; another thread may close.</summary>
internal sealed class FrameWriting
{
    private const int Idle = 0;
    private const int SlotOpen = 1;
    private const int Closing = 2;
    private const int Closed = 3;

    private readonly FrameStream _stream;
    private readonly Segment _segment;
    private readonly int _owner;
    private readonly bool _alwaysWakes;
    private int _state;
    private long _turn; // Even: no slot is open. Each slot has an odd number of its own.

    private FrameWriting(FrameStream stream, Segment segment, int owner, bool alwaysWakes)
    {
        _stream = stream;
        _segment = segment;
        _owner = owner;
        _alwaysWakes = alwaysWakes;
        Committed = stream.Words.Head;
    }

    /// <summary>Gets the newest frame that was committed; 0: no frame.</summary>
    public ulong Committed { get; private set; }

    /// <summary>Becomes the writer of a stream. The caller keeps its memory mapped.</summary>
    public static FrameWriting Open(FrameStream stream, Segment segment, bool alwaysWakes)
    {
        AttachedPage page = stream.Page;
        page.Make();
        int owner = page.Locks.GetOwner();
        page.ThrowIfLost();
        if (stream.Words.TryOwn(owner, page.Locks.Owners) is int other and not 0)
        {
            throw new IOException(
                $"'{stream.Name}' has a writer (slot {LockWord.Slot(other)}; see lslocks), and a stream has one at a time. Dispose that "
                + "writer, or end its process.");
        }

        // A writer that died in a frame left reserved = head + 1. That frame has no number yet, and is filled again.
        if (unchecked(stream.Words.Reserved - stream.Words.Head) > 1)
        {
            stream.Words.Disown(owner);
            throw new InvalidDataException($"The counters of '{stream.Name}' were overwritten: it is not a stream of frames.");
        }

        // Not null, because the caller holds a reference. The predecessor may have died between a commit and its wake-up.
        _ = segment.TryAddReference();
        stream.Words.Wake(always: true);
        return new FrameWriting(stream, segment, owner, alwaysWakes);
    }

    /// <summary>Opens the next frame's slot, and returns the slot's turn.</summary>
    public long Begin()
    {
        int before = Interlocked.CompareExchange(ref _state, SlotOpen, Idle);
        if (before != Idle)
        {
            ThrowCannotBegin(before);
        }

        long turn = ++_turn;
        try
        {
            ThrowIfNotOurs();
        }
        catch
        {
            End(turn);
            throw;
        }

        _stream.Words.Reserve(unchecked(Committed + 1));
        return turn;
    }

    /// <summary>Returns whether a turn's slot is open.</summary>
    public bool IsOpen(long turn) => _turn == turn && (turn & 1) != 0;

    /// <summary>Makes a frame visible, wakes the readers, and ends its slot.</summary>
    public void Commit(long turn)
    {
        ThrowIfNotOurs();
        Committed = unchecked(Committed + 1);
        _stream.Words.Commit(Committed);
        _stream.Words.Wake(_alwaysWakes);
        End(turn);
    }

    /// <summary>Ends a slot. A frame that was not committed has no number: the next slot is the same one.</summary>
    public void End(long turn)
    {
        if (IsOpen(turn))
        {
            _turn++;
            if (Interlocked.CompareExchange(ref _state, Idle, SlotOpen) == Closing)
            {
                Release();
            }
        }
    }

    /// <summary>Ends the writer, at once or with its open slot. A second call does nothing.</summary>
    public void Close()
    {
        int seen = Volatile.Read(ref _state);
        while (seen is Idle or SlotOpen)
        {
            int before = Interlocked.CompareExchange(ref _state, seen == Idle ? Closed : Closing, seen);
            if (before == seen && seen == Idle)
            {
                Release();
            }

            seen = before == seen ? Closed : before;
        }
    }

    // Precedes every store: the page may be another program's bytes by now, and the stream another writer's. A writer that lost its stream
    // and reserved a slot would set "reserved" back, and readers would accept frames that the other writer has overwritten.
    private void ThrowIfNotOurs()
    {
        _stream.Page.ThrowIfLost();
        if (_stream.Words.Owner != _owner)
        {
            throw new InvalidDataException(
                $"Another process overwrote the owner of the stream '{_stream.Name}', so this writer has lost it: the frame is not "
                + "committed. Dispose the writer, and open another one.");
        }
    }

    private void Release()
    {
        Volatile.Write(ref _state, Closed);
        if (!_stream.Page.IsLost)
        {
            _stream.Words.Disown(_owner);
        }

        _segment.Release();
    }

    [DoesNotReturn]
    private void ThrowCannotBegin(int state)
    {
        throw state == SlotOpen
            ? new InvalidOperationException(
                $"The writer of '{_stream.Name}' has an open slot: commit or dispose it before the next one is reserved.")
            : new ObjectDisposedException("FrameWriter", $"The writer of '{_stream.Name}' is disposed.");
    }
}
