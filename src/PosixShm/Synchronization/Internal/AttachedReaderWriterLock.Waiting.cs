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
            _ = LeaveAsReader();
            _page.ThrowIfDetached();
        }

        return *_lost == 0 || ThrowLost(note);
    }

    private bool EnterWriteSlow(ThreadNote note, int timeout, bool recovers, out bool wasAbandoned, CancellationToken cancellation)
    {
        wasAbandoned = false;
        using AttachedPage.Use use = _page.Using();
        ThrowIfReadOnly();
        WriterEntry entry = new(_page, _words, table.Open(Open), recovers, timeout);
        WaitTime time = new(timeout, cancellation);
        if (!WaitLoop.Run(ref entry, ref time))
        {
            return false;
        }

        wasAbandoned = entry.WasAbandoned;
        if (!TryNote(note, reads: 0, writes: 1))
        {
            _ = LeaveAsWriter(WriteExit.Usual, staysAsReader: false);
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
        note.Reads = reads;
        note.Writes = writes;
        if (_isOpen)
        {
            return true;
        }

        note.Reads = 0;
        note.Writes = 0;
        EndStay(note);
        return false;
    }

    // The zeros that replace lost memory belong to this process alone, and so does a word in them.
    private bool ThrowLost(ThreadNote note)
    {
        if (note.Writes > 0)
        {
            ExitWrite(note, WriteExit.Usual);
        }
        else
        {
            ExitRead(note);
        }

        throw MakeLost();
    }

    private SharedMemoryLostException MakeLost() => SharedMemoryLostException.Of(_page.Name.Value);

    private Exception MakeOverwritten()
        => IsOverwritten
            ? MakeLost()
            : new InvalidDataException(
                $"The reader-writer lock of '{_page.Name}' was overwritten by another process while it was held: its data cannot be "
                + "trusted.");

    private static void ThrowIfAny(Exception? error)
    {
        if (error is not null)
        {
            throw error;
        }
    }
}
