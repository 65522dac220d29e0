namespace PosixShm.Synchronization;

/// <content>Entering from asynchronous methods.</content>
//
//  An asynchronous entry belongs to no thread, so no note names it. It is counted here under the table's gate, has a reference to the
//  memory while it enters, and exits under the gate.
//
internal sealed unsafe partial class AttachedReaderWriterLock
{
    private int _entries; // asynchronous entries that are inside; under the table's gate

    /// <summary>Enters for reading on behalf of no thread.</summary>
    public ValueTask<SharedReaderWriterLockReleaser> EnterReadAsync(CancellationToken cancellation)
        => EnterAsync(() => new ReaderEntry(_page, _words, table.Open(Open)), isWriter: false, cancellation);

    /// <summary>Enters for writing on behalf of no thread.</summary>
    public ValueTask<SharedReaderWriterLockReleaser> EnterWriteAsync(CancellationToken cancellation)
        => EnterAsync(
            () => new WriterEntry(_page, _words, table.Open(Open), recovers: false, Timeout.Infinite), isWriter: true, cancellation);

    /// <summary>Exits for an asynchronous entry, on any thread.</summary>
    public void ExitEntry(bool isWriter)
    {
        Exception? error = null;
        table.Leave(() =>
        {
            _entries--;
            error = Leave(isWriter);
            return true;
        });
        ThrowIfAny(error);
    }

    private ValueTask<SharedReaderWriterLockReleaser> EnterAsync<TRules>(
        Func<TRules> begin, bool isWriter, CancellationToken cancellation)
        where TRules : struct, IWaitRules
    {
        cancellation.ThrowIfCancellationRequested();
        using AttachedPage.Use use = _page.Using();
        ThrowIfReadOnly();
        TRules rules = begin();
        if (WaitLoop.TryOnce(ref rules, isCheckDue: true, SpinBudget.OfCaller(), out WaitPlace place))
        {
#pragma warning disable CA2000 // The caller gets it.
            return new ValueTask<SharedReaderWriterLockReleaser>(Hold(isWriter));
#pragma warning restore CA2000
        }

        use.HandOver();
        EntryWait<TRules> wait = new(this, isWriter, rules, place, cancellation);
        wait.Start();
        return wait.Task;
    }

    // Acquired by the rules, this notes the entry in this process.
    private SharedReaderWriterLockReleaser Hold(bool isWriter)
    {
        if (!table.TryHold(() => _entries++))
        {
            // The array was disposed meanwhile.
            _ = Leave(isWriter);
            _page.ThrowIfDetached();
        }

        if (_page.Segment.IsLost)
        {
            ExitEntry(isWriter);
            throw MakeLost();
        }

        return new SharedReaderWriterLockReleaser(this, isWriter);
    }

    private Exception? Leave(bool isWriter) => isWriter ? LeaveAsWriter(WriteExit.Usual, staysAsReader: false) : LeaveAsReader();

    private sealed class EntryWait<TRules>(
        AttachedReaderWriterLock entered, bool isWriter, in TRules rules, in WaitPlace place, CancellationToken cancellation)
        : AsyncResult<TRules, SharedReaderWriterLockReleaser>(rules, place, entered._page.Segment, cancellation)
        where TRules : struct, IWaitRules
    {
        protected override void Accept(in TRules rules) => Result = entered.Hold(isWriter);
    }
}
