using System.Runtime.CompilerServices;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Snapshots.</content>
public abstract unsafe partial class UntypedSharedArray
{
    /// <summary>Copies all elements as one publication stored them. False if the time ran out.</summary>
    private protected bool TryReadSnapshot(void* copy, int milliseconds, out ulong sequence, CancellationToken cancellation)
        => (_page is { Snapshot: SnapshotPassage passage } && passage.TryRead(copy, out sequence))
            || TryReadInUse(copy, milliseconds, out sequence, cancellation);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadInUse(void* copy, int milliseconds, out ulong sequence, CancellationToken cancellation)
    {
        using Use use = new(this);
        AttachedPage page = Page;
        SnapshotRead read = new(page, _attached, copy);

        // The usual read is over after this attempt, and does not need the clock.
        bool isRead = read.Probe(out _) == WaitStep.Done || Wait(ref read, milliseconds, cancellation);
        ThrowIfLost(read.Lost);
        use.ThrowIfCut();
        page.PreparePassage(_attached);
        sequence = isRead ? read.Number : 0;
        return isRead;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Wait(ref SnapshotRead read, int milliseconds, CancellationToken cancellation)
    {
        WaitTime time = new(milliseconds, cancellation);
        return WaitLoop.Run(ref read, ref time);
    }
}
