using System.Runtime.CompilerServices;
using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Names;

namespace PosixShm;

/// <content>Creation.</content>
public abstract partial class SharedArray
{
    // Each round is lost only to somebody who created or deleted the name in between.
    private const int MaxCreateOrAttachRounds = 1000;

    private static readonly SharedArrayOptions s_defaults = new();

    /// <summary>Creates an array of <see cref="double"/>, as Python's SharedArray and numpy do unless told otherwise.</summary>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<double> Create(string name, params long[] shape) => Create<double>(name, s_defaults, shape);

    /// <summary>Creates an array that other processes can attach by name. Its elements are zero.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <returns>The array, attached. Disposing it detaches; it does not delete.</returns>
    /// <exception cref="ArgumentException">The name is not one, or the shape is negative, of more than 64 dimensions, or of more than 2^63 bytes.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="IOException">The name is taken, there is no space (the message says how much is free), or a limit of the process was reached.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder does not let this user create files.</exception>
    public static SharedArray<T> Create<T>(string name, params long[] shape)
        where T : unmanaged
        => Create<T>(name, s_defaults, shape);

    /// <summary>Creates an array that other processes can attach by name. Its elements are zero.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="options">Who may attach it, and how its space is taken.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    [OverloadResolutionPriority(1)] // Else "new() { ... }" could also mean a dimension of zero.
    public static SharedArray<T> Create<T>(string name, SharedArrayOptions options, params long[] shape)
        where T : unmanaged
        => new(Create(SegmentName.Parse(name, nameof(name)), ElementTypes.Of<T>(), options, shape));

    /// <summary>Creates an array whose element type is named when the program runs.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>) of the element type.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <returns>The array, a <see cref="SharedArray{T}"/> of that type, attached.</returns>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray Create(string name, string dtype, params long[] shape)
    {
        IManagedType type = ElementTypes.Parse(dtype, nameof(dtype));
        return type.Wrap(Create(SegmentName.Parse(name, nameof(name)), type.ElementType, s_defaults, shape));
    }

    /// <summary>Creates an array, or attaches the one that is there: exactly one of several callers at once creates it.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="shape">The length of each dimension, which an array that is there must have too.</param>
    /// <returns>The array, attached.</returns>
    /// <exception cref="InvalidDataException">The name is no array, or one of another element type or shape.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateOrAttach<T>(string name, params long[] shape)
        where T : unmanaged
        => CreateOrAttach<T>(name, s_defaults, shape);

    /// <inheritdoc cref="CreateOrAttach{T}(string, long[])"/>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="options">How the array is created, if it is.</param>
    /// <param name="shape">The length of each dimension, which an array that is there must have too.</param>
    [OverloadResolutionPriority(1)]
    public static SharedArray<T> CreateOrAttach<T>(string name, SharedArrayOptions options, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        for (int round = 0; round < MaxCreateOrAttachRounds; round++)
        {
            if (Path.Exists(segment.Path) && TryAttach<T>(name, shape) is SharedArray<T> attached)
            {
                return attached;
            }

            try
            {
                return Create<T>(name, options, shape);
            }
            catch (IOException) when (Path.Exists(segment.Path))
            {
                // Somebody else created it first.
            }
        }

        throw new IOException($"'{name}' was created and deleted by others {MaxCreateOrAttachRounds} times while it should be attached.");
    }

    private static AttachedArray Create(SegmentName name, ElementType type, SharedArrayOptions options, long[] shape)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(shape);
        NewArray array = NewArray.Npy(type, shape, nameof(shape), TimeProvider.System);
        return AttachedArray.Create(name, array, options.Mode, options.Preallocate);
    }

    private static SharedArray<T>? TryAttach<T>(string name, ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        SharedArray<T> array;
        try
        {
            array = Attach<T>(name);
        }
        catch (FileNotFoundException)
        {
            return null;
        }

        if (array.Shape.AsSpan().SequenceEqual(shape))
        {
            return array;
        }

        using (array)
        {
            throw new InvalidDataException(
                $"'{name}' has the shape {ShapeText.Of(array.Shape.AsSpan())}, not {ShapeText.Of(shape)}: delete it first, or choose another name.");
        }
    }
}
