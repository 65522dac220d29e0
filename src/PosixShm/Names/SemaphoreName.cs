using System.Text;

namespace PosixShm.Names;

/// <summary>The names of semaphores, and of the files that the C library keeps them in.</summary>
internal static class SemaphoreName
{
    // NAME_MAX less the four bytes of the prefix: from 252 bytes on, sem_open fails.
    private const int MaxBytes = 251;

    // sem_open(3) creates a file under a temporary name, "sem.XXXXXX".
    private const int TemporaryLength = 6;

    /// <summary>Reads <c>name</c> or <c>/name</c>.</summary>
    public static SegmentName Parse(string name, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(name, parameterName);
        LinuxOnly.Check();
        string value = name.StartsWith('/') ? name[1..] : name;
        string? reason = SegmentName.FindProblem(value)
            ?? (Encoding.UTF8.GetByteCount(value) > MaxBytes ? $"it is longer than {MaxBytes} bytes of UTF-8" : null);
        return reason is null ? SegmentName.OfSemaphore(value) : throw SegmentName.Refuse(name, reason, parameterName, "a semaphore");
    }

    /// <summary>Returns the name of the semaphore that a file is; null for any other file.</summary>
    public static SegmentName? FromFile(string file)
        => file.StartsWith(SegmentName.SemaphorePrefix, StringComparison.Ordinal)
            && file[SegmentName.SemaphorePrefix.Length..] is string value && SegmentName.FindProblem(value) is null
            ? SegmentName.OfSemaphore(value)
            : null;

    /// <summary>Returns whether a name can be the temporary one of a process that was killed in <c>sem_open(3)</c>.</summary>
    public static bool IsTemporary(SegmentName name) => name.Value.Length == TemporaryLength && name.Value.All(char.IsAsciiLetterOrDigit);
}
