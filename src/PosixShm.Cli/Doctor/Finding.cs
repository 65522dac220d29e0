namespace PosixShm.Cli.Doctor;

/// <summary>How a finding is.</summary>
internal enum Status
{
    /// <summary>Nothing is to be done.</summary>
    Ok,

    /// <summary>Something may fail, or be lost, until somebody acts.</summary>
    Attention,

    /// <summary>The machine has nothing of the kind.</summary>
    NotApplicable,
}

/// <summary>What a check found.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Status">How it is.</param>
/// <param name="Value">What was found.</param>
/// <param name="Meaning">What that means for arrays.</param>
/// <param name="Advice">What to do; shown where it needs attention.</param>
internal sealed record Finding(string Name, Status Status, string Value, string Meaning, string Advice)
{
    public string StatusText => Status switch
    {
        Status.Ok => "ok",
        Status.Attention => "attention",
        _ => "does not apply",
    };

    /// <summary>Makes a finding that needs attention if a condition holds.</summary>
    public static Finding Of(string name, bool needsAttention, string value, string meaning, string advice)
        => new(name, needsAttention ? Status.Attention : Status.Ok, value, meaning, advice);

    /// <summary>Makes a finding that the machine has nothing of the kind.</summary>
    public static Finding None(string name, string value, string meaning) => new(name, Status.NotApplicable, value, meaning, string.Empty);
}
