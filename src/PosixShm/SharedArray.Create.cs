using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>Creation.</content>
public abstract unsafe partial class SharedArray
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
    /// <exception cref="ArgumentException">The name is not one, or the shape is negative, of more than 64 dimensions (27 in the SharedArray layout), or of more than 2^63 bytes.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type, or the layout cannot hold it.</exception>
    /// <exception cref="SharedArrayExistsException">The name exists.</exception>
    /// <exception cref="IOException">There is no space (<see cref="Exception.HResult"/> is 28, ENOSPC, and the message has the free space), or a limit of the
    /// process was reached.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder does not let this user create files.</exception>
    public static SharedArray<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Create<T>(name, s_defaults, shape);

    /// <inheritdoc cref="Create{T}(string, long[])"/>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="options">Who may attach it, and how its space is taken.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    [OverloadResolutionPriority(1)] // Else "new() { ... }" could also mean a dimension of zero.
    public static SharedArray<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, SharedArrayOptions options, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(shape);
        return new(Create(name, ElementTypes.Of<T>(), options, shape, fill: null));
    }

    /// <summary>Creates an array with the given content, in its shape. No other process sees the array without its content.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="content">The shape and the elements; see <see cref="ArrayContent"/>.</param>
    /// <param name="options">The permissions, how its space is reserved, and its layout.</param>
    /// <exception cref="InvalidDataException">The content is no .npy file, ends too soon, or has another element type. Nothing was created.</exception>
    /// <exception cref="SharedMemoryLostException">The memory of the array that is copied is lost. Nothing was created.</exception>
    /// <exception cref="ObjectDisposedException">The array that is copied is detached. Nothing was created.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    [OverloadResolutionPriority(1)]
    public static SharedArray<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ArrayContent<T> content, SharedArrayOptions? options = null)
        where T : unmanaged
    {
        using NpyInput? input = content.Open(ElementTypes.Of<T>());
        return CreateFilled(name, content.With(input), options ?? s_defaults);
    }

    /// <summary>Creates an array whose element type is named when the program runs.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <returns>The array, attached: a <see cref="SharedArray{T}"/> where a C# type stands for the element type.</returns>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray Create(string name, string dtype, params long[] shape) => Create(name, dtype, s_defaults, shape);

    /// <inheritdoc cref="Create(string, string, long[])"/>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="options">Who may attach it, and how its space is taken.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    public static SharedArray Create(string name, string dtype, SharedArrayOptions options, params long[] shape)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(shape);
        return ElementTypes.Wrap(Create(name, ElementTypes.Parse(dtype, nameof(dtype)), options, shape, fill: null), SegmentAccess.ReadWrite);
    }

    /// <summary>Gives the C# type that stands for one of numpy's element types.</summary>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>) of the element type.</param>
    /// <returns>The C# type, or null where there is none, as for <c>S10</c>.</returns>
    /// <exception cref="ArgumentException">It is no element type.</exception>
    public static Type? ElementTypeOf(string dtype) => ElementTypes.Find(ElementTypes.Parse(dtype, nameof(dtype)))?.Type;

    /// <summary>Creates an array of one dimension with the given elements. Nobody sees it without them.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="values">The elements, which are copied.</param>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateFrom<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params ReadOnlySpan<T> values)
        where T : unmanaged
        => Create(name, ArrayContent.From(values));

    /// <inheritdoc cref="CreateFrom{T}(string, ReadOnlySpan{T})"/>
    public static SharedArray<T> CreateFrom<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, T[] values)
        where T : unmanaged
        => Create(name, ArrayContent.From(values));

    /// <summary>Creates an array with the given elements, in C order, and the given shape. Nobody sees it without them.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="values">The elements, which are copied: as many as the shape has.</param>
    /// <param name="options">Who may attach it, and how its space is taken.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateFrom<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ReadOnlySpan<T> values, SharedArrayOptions options, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        return Create(name, new ArrayContent<T>(shape, values), options);
    }

    /// <summary>Creates an array with the elements and the shape of a rectangular one, as <c>new double[2, 3]</c>. Nobody sees it without them.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="values">The array, of any rank, which is copied.</param>
    /// <exception cref="ArgumentException">It is not an array of that element type.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateFrom<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, Array values)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.GetType().GetElementType() != typeof(T))
        {
            throw new ArgumentException($"An array of '{typeof(T)}' is wanted, not a '{values.GetType()}'.", nameof(values));
        }

        return Create(name, ArrayContent<T>.Of(values));
    }

    /// <summary>Creates an array whose elements all have one value: numpy's <c>full</c>. Nobody sees it without them.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="value">The value.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateFull<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, T value, params long[] shape)
        where T : unmanaged
        => Create(name, ArrayContent.Filled(value, shape));

    /// <summary>Creates an array whose element type is named when the program runs, and whose elements all have one value. Nobody sees it without them.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="value">The value, of the type that <see cref="GetValue"/> returns: <see cref="ElementTypeOf"/>, text for U, bytes or ASCII text for S.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <returns>The array, attached: a <see cref="SharedArray{T}"/> where a C# type stands for the element type.</returns>
    /// <exception cref="InvalidCastException">The value is of another type. Nothing was created.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray CreateFull(string name, string dtype, object value, params long[] shape)
        => CreateFull(name, dtype, value, s_defaults, shape);

    /// <inheritdoc cref="CreateFull(string, string, object, long[])"/>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>, <c>S10</c>, <c>U5</c>) of the element type.</param>
    /// <param name="value">The value, of the type that <see cref="GetValue"/> returns: <see cref="ElementTypeOf"/>, text for U, bytes or ASCII text for S.</param>
    /// <param name="options">Who may attach it, how its space is taken, and how it lies in its segment.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    public static SharedArray CreateFull(string name, string dtype, object value, SharedArrayOptions options, params long[] shape)
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(shape);
        ElementType type = ElementTypes.Parse(dtype, nameof(dtype));
        if (ElementTypes.Find(type)?.Type is Type wanted && value.GetType() != wanted)
        {
            throw new InvalidCastException($"An element of type {wanted} cannot be a {value.GetType()}.");
        }

        return ElementTypes.Wrap(Create(name, type, options, shape, ElementTypes.Filler(ElementTypes.Bytes(type, value))), SegmentAccess.ReadWrite);
    }

    /// <summary>Creates an array of another one's element type and shape, whose elements are zero: numpy's <c>zeros_like</c>.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="other">The other array.</param>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateLike<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, SharedArray<T> other)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(other);
        return Create<T>(name, s_defaults, [.. other.Shape]);
    }

    /// <summary>Creates an array of another one's element type, shape and elements: numpy's <c>a.copy()</c>, of any size. Nobody sees it without them.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="other">The other array. What others write to it meanwhile may be copied or not.</param>
    /// <returns>The array, attached. It has one lock, and the permissions of any new array.</returns>
    /// <exception cref="ObjectDisposedException">The other array is detached.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateCopy<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, SharedArray<T> other)
        where T : unmanaged
        => Create(name, ArrayContent.CopyOf(other));

    /// <summary>Creates an array, or attaches the one that is there: exactly one of several callers at once creates it.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="shape">The length of each dimension, which an array that is there must have too.</param>
    /// <exception cref="InvalidDataException">The name is no array, or one of another element type or shape.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateOrAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => CreateOrAttach<T>(name, s_defaults, shape);

    /// <inheritdoc cref="CreateOrAttach{T}(string, long[])"/>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="options">How the array is created, if it is.</param>
    /// <param name="shape">The length of each dimension, which an array that is there must have too.</param>
    [OverloadResolutionPriority(1)]
    public static SharedArray<T> CreateOrAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, SharedArrayOptions options, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(options);
        return CreateOrAttach(name, ArrayContent.Zeros<T>(shape), options);
    }

    /// <summary>
    /// Creates an array with the given content, or attaches the one that exists: exactly one of several callers at once creates it, and none sees it without content.
    /// </summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="content">The shape, which an array that exists must have too, and the elements of a new array.</param>
    /// <param name="options">How the array is created, if it is.</param>
    /// <inheritdoc cref="CreateOrAttach{T}(string, long[])"/>
    [SuppressMessage("Reliability", "CA2000", Justification = "The caller owns the array.")]
    [OverloadResolutionPriority(1)]
    public static SharedArray<T> CreateOrAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ArrayContent<T> content, SharedArrayOptions? options = null)
        where T : unmanaged
    {
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        using NpyInput? input = content.Open(ElementTypes.Of<T>());
        ArrayContent<T> opened = content.With(input);
        for (int round = 0; round < MaxCreateOrAttachRounds; round++)
        {
            if (Path.Exists(segment.Path) && TryAttach<T>(name, opened.Shape) is SharedArray<T> attached)
            {
                return attached;
            }

            try
            {
                return CreateFilled(name, opened, options ?? s_defaults);
            }
            catch (SharedArrayExistsException error) when (error.Name == segment.Value)
            {
                // Another process created it first; by now it may be deleted again.
            }
        }

        throw new IOException($"'{name}' was created and deleted by others {MaxCreateOrAttachRounds} times while it should be attached.");
    }

    private static SharedArray<T> CreateFilled<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, scoped in ArrayContent<T> content, SharedArrayOptions options)
        where T : unmanaged
    {
        fixed (T* values = content.Values)
        {
            return new(Create(name, ElementTypes.Of<T>(), options, content.Shape, content.Filler((nint)values)));
        }
    }

    private static AttachedArray Create(string name, ElementType type, SharedArrayOptions options, long[] shape, ArrayFiller? fill)
    {
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        if (segment.Kind == SegmentKind.Descriptor)
        {
            throw new ArgumentException($"'{name}' is a descriptor: CreateAnonymous gives an array one.", nameof(name));
        }

        return AttachedArray.Create(segment, Describe(type, options, shape), options.ToSegmentOptions(), options.PagePolicy, fill);
    }

    private static NewArray Describe(ElementType type, SharedArrayOptions options, long[] shape)
        => NewArray.Create(options.HeaderFormat, type, shape, options.Locks, isSealed: false, nameof(shape), options.Alignment);

    [SuppressMessage("Reliability", "CA2000", Justification = "The caller owns an array of the right shape. Any other is disposed.")]
    private static SharedArray<T>? TryAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, ReadOnlySpan<long> shape)
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

    /// <summary>Makes the filler that copies bytes from an address.</summary>
    internal static ArrayFiller Copy(nint source, long bytes) => array =>
    {
        // A loss of the new array's own memory (sparse, in a full file system) is reported by its creator, with the figures in the message.
        int* lost = LargeMemory.Copy((void*)array.Data, (void*)source, bytes);
        ThrowIfLost(lost == array.Segment.Lost ? null : lost);
    };

    /// <summary>Makes the filler that copies an array's elements.</summary>
    internal static ArrayFiller CopyOf(SharedArray source) => array =>
    {
        using Use use = new(source);
        CopyOf(source._attached, source.ByteLength)(array);
    };

    // If the memory of the source is lost during the copy, nothing is published.
    private static ArrayFiller CopyOf(AttachedArray source, long bytes) => array =>
    {
        if (source.Header.IsFortranOrder)
        {
            ArrayHeader header = source.Header;
            OrderedCopy.Run(header.Shape.AsSpan(), header.Type.Size, (byte*)source.Data, 0, (byte*)array.Data, header.Length, isOut: true);
        }
        else
        {
            Copy(source.Data, bytes)(array);
        }

        if (source.Segment.IsLost || source.Segment.IsTruncated())
        {
            throw SharedMemoryLostException.Of(source.Segment.Name.Value);
        }
    };
}
