using System.Diagnostics.CodeAnalysis;

namespace PosixShm.Synchronization;

/// <content>A lock that is not free, or closed, or whose memory is lost.</content>
internal sealed unsafe partial class AttachedReaderWriterLock
{
    private bool EnterReadSlow(ThreadNote note, int timeout, CancellationToken cancellation)
    {
        using AttachedPage.Use use = _page.Using();
        ThrowIfReadOnly();
        ReaderEntry entry = new(_page, _words, table.Open(Open));
        WaitTime time = new(timeout, cancellation);
        if (!WaitLoop.Run(ref entry, ref time))
        {
            return false;
        }

        if (!TryNote(note, reads: 1, writes: 0))
        {
            // The array was disposed while this thread waited.
            _ = !IsOverwritten && _words.TryCountOut(_slot);
            _page.ThrowIfDetached();
        }

        return *_lost == 0 || ThrowLost(note);
    }

    private bool EnterWriteSlow(ThreadNote note, int timeout, bool recovers, out bool wasAbandoned, CancellationToken cancellation)
    {
        wasAbandoned = false;
        using AttachedPage.Use use = _page.Using();
        ThrowIfReadOnly();
        WriterEntry entry = new(_page, _words, table.Open(Open), recovers, waits: timeout != 0);
        WaitTime time = new(timeout, cancellation);
        if (!WaitLoop.Run(ref entry, ref time))
        {
            return false;
        }

        wasAbandoned = entry.WasAbandoned;
        if (!TryNote(note, reads: 0, writes: 1))
        {
            _ = TryLeaveWord(WriteExit.Usual, staysAsReader: false);
            _page.ThrowIfDetached();
        }

        return *_lost == 0 || ThrowLost(note);
    }

    private void ThrowIfReadOnly()
    {
        if (!_page.IsWritable)
        {
            throw new InvalidOperationException(
                $"'{_page.Name}' is attached to read only or as a private copy, and its locks cannot be entered that way.");
        }
    }

    private bool TryNote(ThreadNote note, int reads, int writes)
    {
        note.Thread.BeginPassage(_tableId);
        bool isOpen = _isOpen;
        if (isOpen)
        {
            note.Bind(this);
            note.Reads = reads;
            note.Writes = writes;
        }

        note.Thread.EndPassage();
        return isOpen;
    }

    private void LeaveClosed(ThreadNote note, WriteExit how)
    {
        if (!TryLeaveUnderGate(note, how))
        {
            ThrowOverwritten();
        }
    }

    /// <summary>Leaves outside of passages: a closed lock, or on behalf of a thread that has ended, which leaves everything.</summary>
    private bool TryLeaveUnderGate(ThreadNote note, WriteExit how)
    {
        bool isRight = true;
        table.Leave(() =>
        {
            bool isWriter = note.Writes > 0;
            note.Writes = 0;
            note.Reads = isWriter && how != WriteExit.Died ? note.Reads : 0;
            isRight = isWriter ? TryLeaveWord(how, staysAsReader: note.Reads > 0) : !IsOverwritten && _words.TryCountOut(_slot);
            return note.Reads == 0;
        });
        return isRight;
    }

    // The zeros that replace lost memory belong to this process alone, and so does a word in them.
    private bool ThrowLost(ThreadNote note)
    {
        if (note.Writes > 0)
        {
            ExitWrite(WriteExit.Usual);
        }
        else
        {
            ExitRead();
        }

        throw SharedMemoryLostException.Of(_page.Name.Value);
    }

    [DoesNotReturn]
    private void ThrowOverwritten()
        => throw (IsOverwritten
            ? SharedMemoryLostException.Of(_page.Name.Value)
            : new InvalidDataException(
                $"The reader-writer lock of '{_page.Name}' was overwritten by another process while it was held: its data cannot be "
                + "trusted."));
}
