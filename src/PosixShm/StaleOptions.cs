namespace PosixShm;

/// <summary>The stale arrays or semaphores that are found or deleted.</summary>
public sealed record StaleOptions
{
    /// <summary>Gets the pattern of their names: <c>*</c> stands for any text and <c>?</c> for any letter. Every name, unless
    /// set.</summary>
    public string Pattern { get; init; } = "*";

    /// <summary>Gets their least age, since their creation, or since the last change of their file where the kernel does not know that. Any
    /// age, unless set.</summary>
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
