using PosixShm.Segments;

namespace PosixShm;

/// <summary>The memory of an attached array is lost: another process truncated its file, or a sparse array found no free space. Values that
/// were read since may be zeros, and stores since are lost. Dispose the array; attach it again if its file is complete again.</summary>
public sealed class SharedMemoryLostException : IOException
{
    /// <summary>Initializes a new instance of the <see cref="SharedMemoryLostException"/> class.</summary>
    public SharedMemoryLostException()
        : this("The array's memory is lost.")
    {
    }

    /// <summary>Initializes a new instance of the <see cref="SharedMemoryLostException"/> class.</summary>
    /// <param name="message">The message.</param>
    public SharedMemoryLostException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance of the <see cref="SharedMemoryLostException"/> class.</summary>
    /// <param name="message">The message.</param>
    /// <param name="innerException">The cause.</param>
    public SharedMemoryLostException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    // The array may be disposed meanwhile, or belong to another copy of this assembly: then its name is unknown.
    internal static unsafe SharedMemoryLostException Of(int* lost)
        => LostMemory.NameOf(lost) is string name ? Of(name) : new("The memory of another array, whose span was used, is lost.");

    internal static SharedMemoryLostException Of(string name)
        => new($"The memory of '{name}' is lost: another process truncated or overwrote its file, or it was created sparse and its "
            + "file system is full.");
}
