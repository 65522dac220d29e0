using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <content>Locks on bytes behind the end: "in use", and those of owners.</content>
internal sealed partial class SegmentFile
{
    /// <summary>The byte that is locked while a segment is in use. Part of the protocol: docs/FORMAT.md, "The in use byte".</summary>
    public const long InUseByte = 1L << 62;

    /// <summary>Marks the segment as attached, for as long as the file is open.</summary>
    /// <exception cref="IOException">Another process has locked the byte. A segment without the mark could be deleted.</exception>
    public void MarkInUse()
    {
        if (!IsMarked(Name))
        {
            return;
        }

        // Invariant: no segment is deleted as unused while it is attached. Every attachment keeps it by this lock. A process that deletes
        // has the byte exclusively for a moment; docs/FORMAT.md, "Deleting an unused array". An attachment without the lock breaks it.
        _fd.IsLocked = true;
        for (Patience patience = Patience.ForOne; Interop.LockByte(_fd, InUseByte, Interop.ByteLock.LOCK_SHARED) < 0;)
        {
            if (Interop.LastError != Interop.Error.EAGAIN || !patience.TryWait())
            {
                throw SegmentError.Last(Name, SegmentError.Attach);
            }
        }
    }

    /// <summary>Locks a byte for this open file alone, until it is closed. False if another open file has locked it.</summary>
    public bool TryLockByte(long offset)
    {
        int result = Interop.LockByte(_fd, offset, Interop.ByteLock.LOCK_EXCLUSIVE);
        bool isRefused = result < 0 && Interop.LastError == Interop.Error.EAGAIN;
        SegmentError.Check(isRefused ? 0 : result, Name, SegmentError.Lock);
        return !isRefused;
    }

    /// <summary>Returns whether another open file has an exclusive lock on a byte. Shared locks prove nothing.</summary>
    public bool IsByteLocked(long offset)
    {
        int found = Interop.FindByteLock(_fd, offset, Interop.ByteLock.LOCK_SHARED);
        SegmentError.Check(found, Name, SegmentError.Lock);
        return found != 0;
    }

    /// <summary>Gets the file as <c>/proc/PID/fdinfo</c> shows it with its locks: device and inode, <c>00:1a:4711</c>. It is read from the
    /// lock of this descriptor, because <c>stat(2)</c> reports another device on some file systems.</summary>
    public string? FindLockedFile()
        => File.ReadLines($"/proc/self/fdinfo/{_fd.Number}")
            .Select(static line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(static fields => fields.Length > 6 && fields[2] == "OFDLCK")?[6];

    // Programs in C do not mark a semaphore as in use.
    private static bool IsMarked(SegmentName name) => name.Kind is not (SegmentKind.Semaphore or SegmentKind.Object);
}
