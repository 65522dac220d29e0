using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Snapshots.</content>
public abstract unsafe partial class UntypedSharedArray
{
    /// <summary>Copies all elements as one publication stored them. False if the time ran out.</summary>
    private protected bool TryReadSnapshot(void* copy, WaitTime time, out ulong sequence)
    {
        using Use use = new(this);
        SnapshotRead read = new(Page, _attached, copy);
        bool isRead = WaitLoop.Run(ref read, ref time);
        use.ThrowIfCut();
        sequence = isRead ? read.Number : 0;
        return isRead;
    }
}
