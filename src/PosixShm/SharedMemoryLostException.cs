using PosixShm.Segments;

namespace PosixShm;

/// <summary>
/// An array's memory is gone while it was attached: another process truncated its file, or it was created without reserving its space and there is none left.
/// What was read since may be zeros that were never in the array, and what was written went nowhere. Detach it; attach it again, if it is whole again.
/// </summary>
public sealed class SharedMemoryLostException : IOException
{
    /// <summary>Initializes a new instance of the <see cref="SharedMemoryLostException"/> class.</summary>
    public SharedMemoryLostException()
        : this("The array's memory is gone.")
    {
    }

    /// <summary>Initializes a new instance of the <see cref="SharedMemoryLostException"/> class.</summary>
    /// <param name="message">What happened, to which array.</param>
    public SharedMemoryLostException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance of the <see cref="SharedMemoryLostException"/> class.</summary>
    /// <param name="message">What happened, to which array.</param>
    /// <param name="innerException">The cause.</param>
    public SharedMemoryLostException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    // The lost word of an array that is detached by now, or of one of another copy of this assembly, has no name here.
    internal static unsafe SharedMemoryLostException Of(int* lost)
        => LostMemory.NameOf(lost) is string name ? Of(name) : new("The memory of another array, whose span was used, is lost.");

    internal static SharedMemoryLostException Of(string name)
        => new($"The memory of '{name}' is lost: another process truncated or overwrote its file, or it was created sparse and its file system is full.");
}
