using System.Text;

namespace PosixShm.Names;

/// <summary>The names of semaphores, and of the files that the C library keeps them in.</summary>
internal static class SemaphoreName
{
    private const string FilePrefix = "sem.";

    // NAME_MAX, less the prefix, less the length of glibc's temporary name: from 252 bytes on, sem_open fails.
    private const int MaxBytes = 251;

    // The letters of a temporary name of sem_open(3), which is "sem.XXXXXX".
    private const int TemporaryLength = 6;

    /// <summary>Reads <c>name</c> or <c>/name</c>.</summary>
    public static SegmentName Parse(string name, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(name, parameterName);
        LinuxOnly.Check();
        string value = name.StartsWith('/') ? name[1..] : name;
        string? reason = SegmentName.WhatIsWrongWith(value)
            ?? (Encoding.UTF8.GetByteCount(value) > MaxBytes ? $"it is longer than {MaxBytes} bytes of UTF-8" : null);
        return reason is null ? SegmentName.OfSemaphore(value) : throw SegmentName.Refuse(name, reason, parameterName, "a semaphore");
    }

    /// <summary>Gives the name of a file's semaphore, or null if the file is not a semaphore's.</summary>
    public static SegmentName? FromFile(string file)
        => file.StartsWith(FilePrefix, StringComparison.Ordinal) && SegmentName.WhatIsWrongWith(file[FilePrefix.Length..]) is null
            ? SegmentName.OfSemaphore(file[FilePrefix.Length..])
            : null;

    /// <summary>Tells whether a name can be a temporary one of a process that was killed in <c>sem_open(3)</c>.</summary>
    public static bool IsTemporary(SegmentName name) => name.Value.Length == TemporaryLength && name.Value.All(char.IsAsciiLetterOrDigit);
}
