namespace PosixShm.Segments;

/// <summary>Which files are welcome when a segment is attached.</summary>
/// <param name="AllowOtherOwners">Whether a file of another user, who may change or truncate it at will, is.</param>
/// <param name="FollowLinks">Whether what a symbolic link points to is.</param>
internal readonly record struct AttachPolicy(bool AllowOtherOwners, bool FollowLinks)
{
    /// <summary>Gets the trust of one who only looks.</summary>
    public static AttachPolicy Anybody { get; } = new(AllowOtherOwners: true, FollowLinks: false);
}
