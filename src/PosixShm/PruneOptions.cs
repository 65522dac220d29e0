namespace PosixShm;

/// <summary>Says which leftovers are deleted.</summary>
public sealed record PruneOptions
{
    /// <summary>Gets what their names look like: <c>*</c> stands for any text and <c>?</c> for any letter. Every name, unless set.</summary>
    public string Pattern { get; init; } = "*";

    /// <summary>Gets how old they are at least, since their creation, or since the last change of their file where the kernel does not know that. Any age, unless set.</summary>
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

    /// <summary>Gets whether they are only listed, as they are unless this is set to <see langword="false"/>.</summary>
    public bool DryRun { get; init; } = true;
}
