namespace PosixShm.Formats;

/// <summary>The place of an array's control page, which may not exist yet. All processes compute the same from the header.</summary>
/// <param name="End">The end of the elements: E of docs/FORMAT.md.</param>
/// <param name="LocksBehind">The locks behind the page, whose number its creator stored; 0 if those in the page are all.</param>
internal readonly record struct PagePlace(long End, int LocksBehind)
{
    /// <summary>Gets the offset of the page: A of docs/FORMAT.md.</summary>
    public long Offset => Pages.RoundUp(End);

    /// <summary>Gets the end of the page: T of docs/FORMAT.md.</summary>
    public long PageEnd => Offset + ControlPage.Size;

    /// <summary>Gets the end of the page and of the locks behind it.</summary>
    public long LocksEnd => LocksBehind == 0 ? PageEnd : PageEnd + Pages.RoundUp((long)LocksBehind * ControlPage.LineSize);

    /// <summary>Gets the offset of the first lock.</summary>
    public long FirstLock => LocksBehind > 0 ? PageEnd : Offset + ControlPage.FirstLockOffset;

    public int LockCount => LocksBehind > 0 ? LocksBehind : ControlPage.LocksInPage;
}
