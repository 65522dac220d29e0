namespace PosixShm.Segments;

/// <summary>The files that are accepted when a segment is attached.</summary>
/// <param name="AllowOtherOwners">Whether to accept files of other users, who may change or truncate them at any time.</param>
/// <param name="FollowLinks">Whether to follow a symbolic link.</param>
internal readonly record struct AttachPolicy(bool AllowOtherOwners, bool FollowLinks)
{
    /// <summary>Gets the policy of a caller that only reads.</summary>
    public static AttachPolicy Anybody { get; } = new(AllowOtherOwners: true, FollowLinks: false);
}
