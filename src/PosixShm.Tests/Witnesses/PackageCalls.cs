using System.Numerics;

namespace PosixShm.Tests;

/// <summary>The system calls that the protocols of docs/FORMAT.md need, made by another package than this library.</summary>
internal abstract unsafe class PackageCalls
{
    /// <summary>Returns the package of a name.</summary>
    public static PackageCalls Of(string package) => package switch
    {
        nameof(TmdsCalls) => new TmdsCalls(),
        nameof(MonoCalls) => new MonoCalls(),
        _ => throw new ArgumentException($"There is no package {package}.", nameof(package)),
    };

    /// <summary>Opens a file to read and write: close-on-exec, and without following a link.</summary>
    public abstract int Open(string path);

    /// <summary>Returns the size of a file.</summary>
    public abstract long SizeOf(int file);

    /// <summary>Reads at an offset. Returns the number of bytes.</summary>
    public abstract long Read(int file, Span<byte> bytes, long offset);

    /// <summary>Makes a file longer, with zeros.</summary>
    public abstract void Reserve(int file, long offset, long length);

    /// <summary>Locks a byte without waiting. False if it is another's.</summary>
    public abstract bool TryLockByte(int file, long offset, bool isExclusive);

    /// <summary>Maps a file from its start, shared, to read and write.</summary>
    public abstract byte* Map(int file, long length);

    protected static T Check<T>(T result, string call, int errno)
        where T : struct, INumber<T>
        => T.IsNegative(result) ? throw new IOException($"{call} failed with the error {errno}.", errno) : result;
}
