using System.Text;

namespace PosixShm.Names;

/// <summary>A semaphore's name that is known to be good, and the file that the C library keeps it in.</summary>
internal sealed record SemaphoreName
{
    private const string FilePrefix = "sem.";

    // NAME_MAX, less the prefix, less what glibc's temporary name needs: from 252 on, sem_open fails.
    private const int MaxBytes = 251;

    private SemaphoreName(string value) => Value = value;

    /// <summary>Gets the name without the slash.</summary>
    public string Value { get; }

    /// <summary>Gets the name as <c>sem_open(3)</c> wants it.</summary>
    public string PosixName => "/" + Value;

    /// <summary>Gets the path of the file; see <c>sem_overview(7)</c>.</summary>
    public string Path => $"{SegmentName.SharedMemoryFolder}/{FilePrefix}{Value}";

    /// <summary>Reads <c>name</c> or <c>/name</c>.</summary>
    public static SemaphoreName Parse(string name, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(name, parameterName);
        LinuxOnly.Check();
        string value = name.StartsWith('/') ? name[1..] : name;
        string? reason = SegmentName.WhatIsWrongWith(value)
            ?? (Encoding.UTF8.GetByteCount(value) > MaxBytes ? $"it is longer than {MaxBytes} bytes of UTF-8" : null);
        return reason is null ? new SemaphoreName(value) : throw SegmentName.Refuse(name, reason, parameterName, "a semaphore");
    }

    /// <summary>Gives the name of a file's semaphore, or null if it is none's.</summary>
    public static string? FromFile(string file)
        => file.StartsWith(FilePrefix, StringComparison.Ordinal) && SegmentName.WhatIsWrongWith(file[FilePrefix.Length..]) is null
            ? file[FilePrefix.Length..]
            : null;

    public override string ToString() => Value;
}
