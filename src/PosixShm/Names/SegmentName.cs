using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;

namespace PosixShm.Names;

/// <summary>The kind of object that a name denotes.</summary>
internal enum SegmentKind
{
    /// <summary>A file in the directory of shared memory.</summary>
    SharedMemory,

    /// <summary>A file in any directory.</summary>
    File,

    /// <summary>An open file of a process.</summary>
    Descriptor,

    /// <summary>The C library's file of a semaphore.</summary>
    Semaphore,

    /// <summary>The C library's file of a shared memory object, whatever its bytes mean.</summary>
    Object,
}

/// <summary>A valid name, and the file that it denotes.</summary>
internal sealed record SegmentName
{
    // NAME_MAX: the longest file name.
    private const int MaxBytes = 255;

    private const string SharedMemoryScheme = "shm://";
    private const string FileScheme = "file://";
    private const string ProcessDirectory = "/proc/";

    // The file of semaphore "x" is /dev/shm/sem.x; sem_overview(7).
    internal const string SemaphorePrefix = "sem.";

    private const char FirstSurrogate = '\uD800';
    private const char LastSurrogate = '\uDFFF';

    // A listing checks every name. These sets check sixteen characters at a time.
    private static readonly SearchValues<char> s_controls
        = SearchValues.Create([.. Enumerable.Range(0, 256).Select(static c => (char)c).Where(char.IsControl)]);

    private static readonly SearchValues<char> s_plain
        = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");

    private SegmentName(SegmentKind kind, string value, string directory, string? path = null)
    {
        Kind = kind;
        Value = value;
        Directory = directory;
        Path = path!;
    }

    /// <summary>Gets the name of an anonymous segment in errors, before the segment exists.</summary>
    public static SegmentName Anonymous { get; } = new(SegmentKind.Descriptor, "an anonymous array", ProcessDirectory, ProcessDirectory);

    /// <summary>Returns the name of a semaphore, which the C library keeps in a file; see <c>sem_overview(7)</c>.</summary>
    public static SegmentName OfSemaphore(string value)
        => new(SegmentKind.Semaphore, value, ArrayDirectory.Default, $"{ArrayDirectory.Default}/{SemaphorePrefix}{value}");

    /// <summary>Returns the name of a shared memory object; see <c>shm_overview(7)</c>.</summary>
    public static SegmentName OfObject(string value) => new(SegmentKind.Object, value, ArrayDirectory.Default);

    /// <summary>Gets the directory of shared memory, as the target of a listing.</summary>
    public static SegmentName SharedMemory
    {
        get
        {
            LinuxOnly.Check();
            string directory = ArrayDirectory.Path;
            return new SegmentName(SegmentKind.SharedMemory, directory, directory, directory);
        }
    }

    public SegmentKind Kind { get; }

    /// <summary>Gets the name in its shortest form: <c>test1</c>, or <c>file:///path</c>.</summary>
    public string Value { get; }

    public string Directory { get; }

    /// <summary>Gets whether <see cref="Value"/> is also the C library's name of the file. <c>shm_open(3)</c> uses one directory only, and
    /// before glibc 2.34 it refuses names of more than 253 bytes.</summary>
    public bool IsObject
        => Kind is SegmentKind.SharedMemory or SegmentKind.Object && Directory == ArrayDirectory.Default
            && (Value.Length < 80 || Encoding.UTF8.GetByteCount(Value) < 254);

    /// <summary>Gets the noun for the object, for messages.</summary>
    public string Noun => Kind switch
    {
        SegmentKind.Semaphore => "semaphore",
        SegmentKind.Object => "shared memory object",
        _ => "array",
    };

    /// <summary>Gets the noun with its article.</summary>
    public string ANoun => $"{(Noun[0] == 'a' ? "an" : "a")} {Noun}";

    /// <summary>Gets the noun for several objects, at the beginning of a sentence.</summary>
    public string PluralNoun => $"{char.ToUpperInvariant(Noun[0])}{Noun[1..]}s";

    /// <summary>Gets whether the C library chose the directory, which <c>POSIXSHM_DIR</c> does not change.</summary>
    public bool IsInDefaultDirectory => Kind is SegmentKind.Semaphore or SegmentKind.Object;

    /// <summary>Returns a new path in the same directory, for a file of this process. It begins as the name does, because some sandboxes
    /// allow that prefix only.</summary>
    public string MakeOwnPath()
    {
        string suffix = $".posixshm-{Guid.NewGuid():N}";
        ReadOnlySpan<char> file = System.IO.Path.GetFileName(Path.AsSpan());
        while (Encoding.UTF8.GetByteCount(file) > MaxBytes - suffix.Length)
        {
            file = file[..^(char.IsLowSurrogate(file[^1]) ? 2 : 1)];
        }

        return $"{Directory}/{file}{suffix}";
    }

    /// <summary>Gets the file's absolute path.</summary>
    // Made on demand, since a listing makes thousands of names.
    public string Path
    {
        get => field ??= $"{Directory}/{Value}";
        private init;
    }

    /// <summary>Reads <c>test1</c>, <c>/test1</c>, <c>shm://test1</c>, <c>file:///path</c>, <c>file://relative</c> or
    /// <c>/proc/PID/fd/N</c>.</summary>
    public static SegmentName Parse(string name, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(name, parameterName);
        LinuxOnly.Check();

        // Nearly every name is a plain one.
        if (FindProblem(name) is null)
        {
            return new SegmentName(SegmentKind.SharedMemory, name, ArrayDirectory.Path);
        }

        if (IsDescriptor(name))
        {
            return new SegmentName(SegmentKind.Descriptor, name, System.IO.Path.GetDirectoryName(name)!, name);
        }

        if (name.StartsWith(FileScheme, StringComparison.Ordinal))
        {
            return ParseFile(name, name[FileScheme.Length..], parameterName);
        }

        string rest = name.StartsWith(SharedMemoryScheme, StringComparison.Ordinal) ? name[SharedMemoryScheme.Length..] : name;
        if (rest.IndexOf("://", StringComparison.Ordinal) is int end and >= 0)
        {
            throw Refuse(name, $"the scheme '{rest[..end]}' is not known; use a plain name, 'shm://' or 'file://'", parameterName);
        }

        string value = rest.StartsWith('/') ? rest[1..] : rest;
        return FindProblem(value) is string reason
            ? throw Refuse(name, reason, parameterName)
            : new SegmentName(SegmentKind.SharedMemory, value, ArrayDirectory.Path);
    }

    /// <summary>Returns the name of an anonymous segment: its descriptor, as other processes reach it.</summary>
    public static SegmentName OfDescriptor(int process, nint descriptor)
    {
        string path = $"{ProcessDirectory}{process}/fd/{descriptor}";
        return new SegmentName(SegmentKind.Descriptor, path, System.IO.Path.GetDirectoryName(path)!, path);
    }

    /// <summary>Reads the path of a directory whose files are to be listed.</summary>
    public static SegmentName ParseDirectory(string directory, string parameterName)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory, parameterName);
        LinuxOnly.Check();
        if (directory.Any(char.IsControl) || !IsWellFormed(directory))
        {
            throw new ArgumentException(
                $"'{Printable(directory)}' is not a directory of arrays: it has control characters or unpaired surrogates.", parameterName);
        }

        string full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(directory));
        return new SegmentName(SegmentKind.File, full, full, full);
    }

    /// <summary>Returns the name of a file in a directory; null if no array can have it.</summary>
    [SkipLocalsInit] // Only the characters that were decoded are used.
    public static SegmentName? FromFile(SegmentName directory, ReadOnlySpan<byte> file)
    {
        // A file name that is not UTF-8 must not become the name of another file.
        Span<char> characters = stackalloc char[MaxBytes];
        if (Utf8.ToUtf16(file, characters, out _, out int length, replaceInvalidSequences: false) != OperationStatus.Done)
        {
            return null;
        }

        string value = new(characters[..length]);
        if (directory.Kind == SegmentKind.SharedMemory)
        {
            return FindProblem(value) is null ? new SegmentName(SegmentKind.SharedMemory, value, directory.Directory) : null;
        }

        string path = System.IO.Path.Join(directory.Path, value);
        return value.Any(char.IsControl) ? null : new SegmentName(SegmentKind.File, FileScheme + path, directory.Path, path);
    }

    public override string ToString() => Value;

    // /proc/PID/fd/N or /proc/self/fd/N is the open file of a process, which may have no other name.
    private static bool IsDescriptor(string name)
        => name.StartsWith(ProcessDirectory, StringComparison.Ordinal)
            && name[ProcessDirectory.Length..].Split('/') is [string process, "fd", string descriptor]
            && (process == "self" || int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            && int.TryParse(descriptor, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static SegmentName ParseFile(string name, string path, string parameterName)
    {
        if (path.Any(char.IsControl) || !IsWellFormed(path))
        {
            throw Refuse(name, "it has control characters or unpaired surrogates", parameterName);
        }

        // The root has no directory.
        string full = path is [.., not '/'] ? System.IO.Path.GetFullPath(path) : "/";
        return System.IO.Path.GetDirectoryName(full) is string directory
            ? new SegmentName(SegmentKind.File, FileScheme + full, directory, full)
            : throw Refuse(name, "'file://' takes the path of a file", parameterName);
    }

    /// <summary>Returns the reason, as a clause, if a file in the directory of shared memory cannot have a name; else null.</summary>
    internal static string? FindProblem(string value) => IsPlain(value) ? null : value switch
    {
        "" => "it is empty",
        "." or ".." => "it is the name of a directory",
        _ when value.StartsWith(SemaphorePrefix, StringComparison.Ordinal) => "names that begin with 'sem.' belong to semaphores",
        _ when value.Contains('/', StringComparison.Ordinal) => "it has a slash inside",
        _ when value.AsSpan().ContainsAny(s_controls) => "it has control characters",
        _ when !IsWellFormed(value) => "it has unpaired surrogates",
        _ when Encoding.UTF8.GetByteCount(value) > MaxBytes => $"it is longer than {MaxBytes} bytes of UTF-8",
        _ => null,
    };

    // A fast check that accepts nearly every name.
    private static bool IsPlain(string value)
        => value is [not ('.' or 's'), ..] && value.Length <= MaxBytes && !value.AsSpan().ContainsAnyExcept(s_plain);

    private static bool IsWellFormed(string value)
        => !value.AsSpan().ContainsAnyInRange(FirstSurrogate, LastSurrogate)
            || Enumerable.Range(0, value.Length).All(i =>
                !char.IsSurrogate(value[i]) || char.IsSurrogatePair(value, i) || (i > 0 && char.IsSurrogatePair(value, i - 1)));

    internal static ArgumentException Refuse(string name, string reason, string parameterName, string what = "an array")
        => new($"'{Printable(name)}' cannot name {what}: {reason}.", parameterName);

    internal static string Printable(string name)
        => string.Concat(name.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? $"\\u{(int)c:X4}" : $"{c}"));
}
