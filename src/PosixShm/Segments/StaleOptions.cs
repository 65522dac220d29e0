namespace PosixShm;

/// <summary>Options for finding or deleting stale arrays and semaphores.</summary>
public sealed record StaleOptions
{
    /// <summary>Gets the pattern of the names: <c>*</c> matches any text, and <c>?</c> any character. Every name matches unless
    /// set.</summary>
    public string Pattern { get; init; } = "*";

    /// <summary>Gets the minimum age, since the creation of the file, or since its last change if the creation time is unknown: zero unless
    /// set.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The age is negative.</exception>
    public TimeSpan MinimumAge
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    }
}
