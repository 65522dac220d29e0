using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>Attachment.</content>
public static partial class SharedArray
{
    private static readonly AttachOptions s_cautious = new();

    /// <summary>Attaches an array of <see cref="double"/> that some process created.</summary>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedArray<double> Attach(string name, AttachOptions? options = null) => Attach<double>(name, options);

    /// <summary>Attaches an array that some process created: the same memory, without a copy, to read and to write.</summary>
    /// <typeparam name="T">The element type it was created with.</typeparam>
    /// <param name="name">The name it was created with.</param>
    /// <param name="options">Which array is acceptable.</param>
    /// <returns>The array. Disposing it detaches.</returns>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The file of that name is not an array, is a damaged one, one of another element type, or one
    /// whose elements are not aligned. Nothing was mapped.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write it, or it belongs to another user.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or another process keeps the array for
    /// itself.</exception>
    public static SharedArray<T> Attach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, AttachOptions? options = null)
        where T : unmanaged
        => new(Attach(name, ElementTypes.Of<T>(), SegmentAccess.ReadWrite, options));

    /// <summary>Attaches an array to read only: no store can change it by accident. It is enough that this user may read it.</summary>
    /// <exception cref="UnauthorizedAccessException">This user may not read it, or it belongs to another user.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static ReadOnlySharedArray<T> AttachReadOnly<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, AttachOptions? options = null)
        where T : unmanaged
        => new(Attach(name, ElementTypes.Of<T>(), SegmentAccess.ReadOnly, options));

    /// <summary>Attaches a private copy of an array, at the cost of an attachment: pages are copied only when this process writes to them
    /// (<c>MAP_PRIVATE</c> in <c>mmap(2)</c>), and nobody else sees what it wrote.</summary>
    /// <returns>The array. Disposing it discards what was written.</returns>
    /// <remarks>
    /// What others write later is seen in pages (4 KiB) that this process has not written to, and not in those it has: it is no snapshot.
    /// For one, copy the array (<see cref="TypedSharedArray{T}.ToArray"/>), or let writers publish whole generations
    /// (<see cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>). It is enough that this user may read the
    /// array.
    /// </remarks>
    /// <exception cref="UnauthorizedAccessException">This user may not read it, or it belongs to another user.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedArray<T> AttachCopyOnWrite<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, AttachOptions? options = null)
        where T : unmanaged
        => new(Attach(name, ElementTypes.Of<T>(), SegmentAccess.CopyOnWrite, options));

    /// <summary>Attaches an array whose element type is known only at run time.</summary>
    /// <param name="name">The name it was created with.</param>
    /// <param name="access">How its memory may be used.</param>
    /// <param name="options">Which array is acceptable.</param>
    /// <returns>The array: a <see cref="SharedArray{T}"/> or <see cref="ReadOnlySharedArray{T}"/> if a C# type stands for the element type;
    /// see also <see cref="UntypedSharedArray.As{T}"/>.</returns>
    /// <remarks>
    /// A foreign file may have elements that are not aligned, and whose reads and writes could be torn. The array of such a file is not a
    /// <see cref="SharedArray{T}"/>; its <see cref="UntypedSharedArray.GetValue(long)"/> and
    /// <see cref="UntypedSharedArray.SetValue(object, long)"/> copy each element.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The access is not one of the enumeration's.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it, or not write it if the access is
    /// <see cref="SharedArrayAccess.ReadWrite"/>; or it belongs to another user.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static UntypedSharedArray AttachUntyped(
        string name, SharedArrayAccess access = SharedArrayAccess.ReadWrite, AttachOptions? options = null)
        => Enum.IsDefined(access)
            ? ArrayWrapper.Wrap(Attach(name, expected: null, (SegmentAccess)access, options), (SegmentAccess)access)
            : throw new ArgumentOutOfRangeException(nameof(access), access, "Use ReadWrite, ReadOnly or CopyOnWrite.");

    /// <summary>Attaches bytes that do not say themselves what they are, such as a segment of Python's
    /// <c>multiprocessing.shared_memory</c>, to read and to write.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name, or a <c>file://</c> name.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="offset">Where the elements start, in bytes.</param>
    /// <param name="options">Which array is acceptable.</param>
    /// <returns>The array, without locks. Disposing it detaches.</returns>
    /// <remarks>
    /// Whether there are elements of that type is the caller's word: only the size is checked. A description that the segment may have is
    /// not looked at. <see cref="Delete"/> and <see cref="List"/> know only arrays; whoever made the segment deletes it.
    /// </remarks>
    /// <exception cref="ArgumentException">The name is invalid, or the shape or the offset is negative, or of more than 64 dimensions or
    /// 2^63 bytes.</exception>
    /// <exception cref="FileNotFoundException">There is nothing of that name.</exception>
    /// <exception cref="InvalidDataException">It is empty, shorter than the elements, or no regular file; or the offset is not a multiple
    /// of the type's alignment. Nothing was mapped.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write it, or it belongs to another user.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached.</exception>
    public static SharedArray<T> AttachRaw<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, long[] shape, long offset = 0, AttachOptions? options = null)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        DType type = ElementTypes.Of<T>();
        long length = NewArray.CheckShape(type, shape, nameof(shape));
        return new(AttachedArray.AttachRaw(SegmentName.Parse(name, nameof(name)), type, shape, length, offset, (options ?? s_cautious).ToAttachPolicy()));
    }

    private static AttachedArray Attach(string name, DType? expected, SegmentAccess access, AttachOptions? options)
    {
        AttachOptions wanted = options ?? s_cautious;
        return AttachedArray.Attach(SegmentName.Parse(name, nameof(name)), expected, access, wanted.ToAttachPolicy(), wanted.ToPagePolicy());
    }
}
