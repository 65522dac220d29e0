namespace PosixShm.Synchronization;

/// <content>Entering from asynchronous methods.</content>
//
//  An asynchronous entry belongs to no thread, and its caller's end is not watched (ThreadEnds). A caller that no lock has used before has
//  no passage, so the entry has a reference to the memory, and takes the lock under the table's gate.
//
internal sealed partial class AttachedLock
{
    /// <summary>Enters on behalf of no thread.</summary>
    public ValueTask<SharedLockReleaser> EnterAsync(bool recovers, CancellationToken cancellation)
    {
        long entry = LockThread.NewId();
        return !recovers && LockThread.CurrentOrNull is LockThread thread && TryEnterFast(thread, entry)
            ? new ValueTask<SharedLockReleaser>(new SharedLockReleaser(this, entry, wasAbandoned: false))
            : EnterSlowAsync(entry, recovers, cancellation);
    }

    /// <summary>Exits for an asynchronous entry, on any thread. Does nothing if the entry has exited.</summary>
    public void ExitEntry(long entry, int leaveAs)
    {
        if (LockThread.CurrentOrNull is LockThread thread)
        {
            Leave(thread, entry, leaveAs);
        }
        else
        {
            ThrowIfAny(_table.Leave(this, entry, leaveAs));
        }
    }

    private ValueTask<SharedLockReleaser> EnterSlowAsync(long entry, bool recovers, CancellationToken cancellation)
    {
        using AttachedPage.Use use = _page.Using();
        LockEntry rules = BeginEntry(recovers, out int owner);
        if (WaitLoop.TryOnce(ref rules, isCheckDue: true, SpinBudget.OfCaller(), out WaitPlace place))
        {
            return new ValueTask<SharedLockReleaser>(Hold(entry, owner, rules.WasAbandoned));
        }

        use.HandOver();
        EntryWait wait = new(this, entry, owner, rules, place, cancellation);
        wait.Start();
        return wait.Task;
    }

    // Acquired by the rules, this takes the lock in this process.
    private SharedLockReleaser Hold(long entry, int owner, bool wasAbandoned)
    {
        int leaveAs = wasAbandoned ? LockWord.Abandoned : LockWord.Free;
        if (!_table.TryHold(this, entry))
        {
            // The array was disposed meanwhile.
            _ = LeaveWord(owner, leaveAs);
            _page.ThrowIfDetached();
        }

        if (_page.IsLost)
        {
            _ = _table.Leave(this, entry, leaveAs);
            _page.ThrowIfLost();
        }

        return new SharedLockReleaser(this, entry, wasAbandoned);
    }

    private sealed class EntryWait(
        AttachedLock entered, long entry, int owner, in LockEntry rules, in WaitPlace place, CancellationToken cancellation)
        : AsyncResult<LockEntry, SharedLockReleaser>(rules, place, entered._page.Segment, cancellation)
    {
        protected override void Accept(in LockEntry rules) => Result = entered.Hold(entry, owner, rules.WasAbandoned);
    }
}
