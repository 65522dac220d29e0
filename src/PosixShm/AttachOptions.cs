namespace PosixShm;

/// <summary>Says what is acceptable in an array that is attached or replaced, and in a semaphore that is opened.</summary>
public sealed record AttachOptions
{
    /// <summary>Gets whether an array or a semaphore that belongs to another user (neither this process's effective user nor root) may be used.</summary>
    /// <value>
    /// <see langword="false"/> unless set: anybody may plant a file in <c>/dev/shm</c>, and its owner may change or truncate it at any time.
    /// </value>
    public bool AllowOtherOwners { get; init; }

    /// <summary>Gets whether a symbolic link stands for the file that it points to.</summary>
    /// <value><see langword="false"/> unless set: whoever may write to a folder may put a link there that leads to any file of yours. Links among the folders before it are always followed.</value>
    public bool FollowLinks { get; init; }

    /// <summary>Gets whether the first use of a lock, or of the count of changes, may add 4,096 bytes to the file of an array outside of the directory of shared memory.</summary>
    /// <value>
    /// <see langword="false"/> unless set: nothing in a file (<c>file://</c>) tells who made it, and a program that reads it may take bytes behind the elements for more of them. Arrays in
    /// <c>/dev/shm</c>, or in the directory that <c>POSIXSHM_DIR</c> names, and the handle that created an array need no permission. Bytes that are there are used without it.
    /// </value>
    public bool AddLocks { get; init; }

    internal Arrays.PagePolicy ToPagePolicy() => AddLocks ? Arrays.PagePolicy.Always : Arrays.PagePolicy.InArrayDirectory;

    internal Segments.AttachPolicy ToAttachPolicy() => new(AllowOtherOwners, FollowLinks);
}
