namespace PosixShm;

/// <summary>An array cannot be created because its name exists. <see cref="Exception.HResult"/> is 17, EEXIST; see
/// <c>open(2)</c>.</summary>
public sealed class SharedArrayExistsException : IOException
{
    /// <summary>Initializes a new instance of the <see cref="SharedArrayExistsException"/> class.</summary>
    public SharedArrayExistsException()
        : this("The name of the array exists.")
    {
    }

    /// <summary>Initializes a new instance of the <see cref="SharedArrayExistsException"/> class.</summary>
    /// <param name="message">The message.</param>
    public SharedArrayExistsException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance of the <see cref="SharedArrayExistsException"/> class.</summary>
    /// <param name="message">The message.</param>
    /// <param name="innerException">The cause.</param>
    public SharedArrayExistsException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Gets the name that exists, in its shortest form.</summary>
    public string? Name { get; internal init; }
}
