using System.Runtime.CompilerServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <content>Opening by a name, with the checks that make a file safe to map.</content>
internal sealed partial class SegmentFile
{
    // The id of every user that has no other one in this user namespace; see user_namespaces(7). Two files with it may have different
    // owners.
    private const uint UnmappedUser = 65534;

    /// <summary>Opens an existing segment, and checks its type, its links and its owner.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="access">The access of its later mapping.</param>
    /// <param name="attachPolicy">The files that are accepted.</param>
    /// <param name="probe">Its status, and its first bytes.</param>
    public static SegmentFile Open(SegmentName name, SegmentAccess access, AttachPolicy attachPolicy, out Interop.Probe probe)
    {
        // A file without links was deleted or replaced after the open, and the name stands for another file.
        const int MaxTries = 1000;

        SegmentFile file = OpenOnce(name, access, attachPolicy, out probe);
        for (int i = 0; probe.Status.Links == 0 && name.Kind != SegmentKind.Descriptor && i < MaxTries; i++)
        {
            file.Dispose();
            file = OpenOnce(name, access, attachPolicy, out probe);
        }

        return file;
    }

    /// <summary>Opens a file by its name. The C library opens objects of shared memory in one directory, and follows no link.</summary>
    public static Descriptor OpenName(SegmentName name, Interop.OpenFlags flags)
        => name.IsObject && (flags & Interop.OpenFlags.O_FOLLOW) == 0 ? Interop.ShmOpen(name.Value, flags) : Interop.Open(name.Path, flags);

    /// <summary>Opens the file a second time, for programs that this process starts. With the same descriptor they would share its locks,
    /// and keep "in use" and held locks alive after this process's death.</summary>
    public Descriptor OpenForChildren()
    {
        const Interop.OpenFlags Flags = Interop.OpenFlags.O_RDWR | Interop.OpenFlags.O_FOLLOW;
        Descriptor second = Opened(Interop.Open($"/proc/self/fd/{_fd.Number}", Flags), Name, "hand on");
        if (Interop.SetInheritable(second, 1) < 0)
        {
            Exception error = SegmentError.Last(Name, "hand on");
            second.Dispose();
            throw error;
        }

        return second;
    }

    private static unsafe SegmentFile OpenOnce(SegmentName name, SegmentAccess access, AttachPolicy attachPolicy, out Interop.Probe probe)
    {
        Interop.OpenFlags flags = access == SegmentAccess.ReadWrite ? Interop.OpenFlags.O_RDWR : Interop.OpenFlags.O_RDONLY;
        flags |= name.Kind == SegmentKind.Descriptor || attachPolicy.FollowLinks ? Interop.OpenFlags.O_FOLLOW : 0;
        bool isMarked = IsMarked(name);
        Unsafe.SkipInit(out probe);
        probe.File = -1;
        fixed (Interop.Probe* found = &probe)
        {
            // The lease of a process that prunes refuses an open that does not wait, and its lock refuses the mark.
            for (Patience patience = Patience.ForOne;
                SegmentProbe.Read(name, flags, isMarked ? InUseByte : Interop.NoByte, Interop.ByteLock.LOCK_SHARED, found) < 0;)
            {
                if (Interop.LastError != Interop.Error.EAGAIN || !patience.TryWait())
                {
                    throw SegmentError.Last(name, SegmentError.Attach);
                }
            }
        }

        SegmentFile file = new(name, new Descriptor((nint)probe.File, isMarked), attachPolicy.FollowLinks);
        try
        {
            file.CheckIdentity(probe.Status, attachPolicy.AllowOtherOwners);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static Descriptor Opened(Descriptor fd, SegmentName name, string action)
        => fd.IsInvalid ? throw SegmentError.Last(name, action) : fd;

    private void CheckIdentity(in Interop.Status status, bool allowOtherOwners)
    {
        if (status.Type != Interop.FileType.TYPE_REGULAR)
        {
            throw new InvalidDataException($"'{Name}' is not {Name.ANoun}, nor any regular file.");
        }

        // Every user may make files in the shared directory, so a second link there may be another user's trick. A semaphore has two while
        // sem_open(3) makes it.
        bool isShared = Name.Kind is SegmentKind.SharedMemory or SegmentKind.Object
            || (Name.Kind == SegmentKind.File && Name.Directory == ArrayDirectory.Default);
        if (status.Links > 1 && isShared)
        {
            throw new InvalidDataException($"'{Name}' has {status.Links} hard links; a segment has one name.");
        }

        bool isTrusted = allowOtherOwners
            || status.Owner == 0
            || (status.Owner == Interop.GetEffectiveUser() && (status.Owner != UnmappedUser || Interop.IsOwner(_fd) == 1));
        if (!isTrusted)
        {
            throw SegmentError.OtherOwner(Name, status.Owner);
        }
    }
}
