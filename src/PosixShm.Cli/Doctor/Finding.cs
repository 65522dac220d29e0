namespace PosixShm.Cli.Doctor;

/// <summary>The status of a check.</summary>
internal enum Status
{
    /// <summary>Nothing needs to be changed.</summary>
    Ok,

    /// <summary>Operations may fail, or arrays may be lost, until the machine is changed.</summary>
    Attention,

    /// <summary>The check does not apply to this machine.</summary>
    NotApplicable,
}

/// <summary>The result of a check.</summary>
/// <param name="Name">The subject of the check.</param>
/// <param name="Status">The status.</param>
/// <param name="Value">The value that was found.</param>
/// <param name="Meaning">The consequence for arrays.</param>
/// <param name="Advice">The remedy, which is shown if the status is attention.</param>
internal sealed record Finding(string Name, Status Status, string Value, string Meaning, string Advice)
{
    public string StatusText => Status switch
    {
        Status.Ok => "ok",
        Status.Attention => "attention",
        _ => "does not apply",
    };

    /// <summary>Creates a finding that needs attention if a condition holds.</summary>
    public static Finding Of(string name, bool needsAttention, string value, string meaning, string advice)
        => new(name, needsAttention ? Status.Attention : Status.Ok, value, meaning, advice);

    /// <summary>Creates a finding of a check that does not apply to this machine.</summary>
    public static Finding None(string name, string value, string meaning) => new(name, Status.NotApplicable, value, meaning, string.Empty);
}
