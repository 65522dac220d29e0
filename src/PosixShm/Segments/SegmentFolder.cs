using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>The names of segments.</summary>
internal static class SegmentFolder
{
    /// <summary>Tells whether a name is taken, by whatever.</summary>
    public static bool Has(SegmentName name) => Interop.Stat(name.Path, follow: 0, out _) == 0;

    /// <summary>Removes a name. Whoever has the segment open or mapped keeps it.</summary>
    public static void Remove(SegmentName name)
    {
        if (Interop.Unlink(name.Path) < 0)
        {
            throw SegmentError.Last(name, "delete");
        }
    }

    /// <summary>Removes the name of a segment that nobody has attached; false if it is in use, another one by now, gone, or not ours to delete.</summary>
    /// <remarks>Whoever attaches meanwhile waits until it is done: he finds the byte that he wants to share taken.</remarks>
    public static bool TryRemoveUnused(SegmentName name, in Interop.Status expected)
    {
        using SafeFileHandle writable = Interop.Open(name.Path, Interop.OpenFlags.O_RDWR);
        using SafeFileHandle readable = writable.IsInvalid ? Interop.Open(name.Path, Interop.OpenFlags.O_RDONLY) : new SafeFileHandle();
        SafeFileHandle file = writable.IsInvalid ? readable : writable;
        bool isUnused = !file.IsInvalid
            && Interop.FStat(file, out Interop.Status found) == 0
            && found.Inode == expected.Inode
            && found.Device == expected.Device
            && found.Links == 1
            && (writable.IsInvalid
                ? Interop.IsByteLocked(file, SegmentFile.InUseByte) == 0
                : Interop.LockByte(file, SegmentFile.InUseByte, Interop.ByteLock.LOCK_EXCLUSIVE) == 0);

        // Asked last: one who replaces a segment does not ask whether it is in use.
        bool isRemoved = isUnused
            && Interop.Stat(name.Path, follow: 0, out Interop.Status named) == 0
            && named.Inode == expected.Inode
            && named.Device == expected.Device
            && Interop.Unlink(name.Path) == 0;
        if (isUnused && !isRemoved)
        {
            // Not left to the closing, as in SegmentFile.Dispose: those who attach wait for it.
            _ = Interop.UnlockAll(file);
        }

        return isRemoved;
    }
}
