namespace PosixShm;

/// <summary>Options for attaching or replacing an array, and for opening a semaphore.</summary>
public sealed record AttachOptions
{
    /// <summary>Gets whether the owner of the array or semaphore may be a user other than root and this process's effective user.</summary>
    /// <value><see langword="false"/> unless set: any user may create a file in <c>/dev/shm</c>, and its owner may change or truncate it at
    /// any time.</value>
    public bool AllowOtherOwners { get; init; }

    /// <summary>Gets whether a symbolic link is followed to its target; see <c>O_NOFOLLOW</c> in <c>open(2)</c>.</summary>
    /// <value><see langword="false"/> unless set: a user who may write to the directory may create a link there to any file of this user.
    /// Links among the directories of the path are always followed.</value>
    public bool FollowLinks { get; init; }

    /// <summary>Gets whether the first use of a lock or the change counter may extend an array's file outside of the directory of shared
    /// memory.</summary>
    /// <value><see langword="false"/> unless set: another program may have created the file (<c>file://</c>), and may read the 4,096 added
    /// bytes as elements. The option is not needed in <c>/dev/shm</c>, or in the directory that <c>POSIXSHM_DIR</c> names. The creator of
    /// the array does not need it either. Bytes that the file already has are used without it.</value>
    public bool AddLocks { get; init; }

    internal Arrays.PagePolicy ToPagePolicy() => AddLocks ? Arrays.PagePolicy.Always : Arrays.PagePolicy.InArrayDirectory;

    internal Segments.AttachPolicy ToAttachPolicy() => new(AllowOtherOwners, FollowLinks);
}
