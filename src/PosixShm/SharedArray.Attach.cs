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

    /// <summary>Attaches an array of <see cref="double"/> for reading and writing.</summary>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedArray<double> Attach(string name, AttachOptions? options = null) => Attach<double>(name, options);

    /// <summary>Attaches an array for reading and writing: the memory of its creator, without a copy.</summary>
    /// <typeparam name="T">The element type, which must be the array's.</typeparam>
    /// <param name="name">The name of the array.</param>
    /// <param name="options">The acceptable owners and links; the defaults if null.</param>
    /// <returns>The array. Disposing it detaches it.</returns>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="FileNotFoundException">The array does not exist.</exception>
    /// <exception cref="InvalidDataException">The file is not an array, is damaged, has another element type, or has elements that are not
    /// aligned. Nothing was mapped.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write the array, or another user owns it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or a file lock of another process covers the array;
    /// see <c>fcntl(2)</c>.</exception>
    public static SharedArray<T> Attach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, AttachOptions? options = null)
        where T : unmanaged
        => new(Attach(name, ElementTypes.Of<T>(), SegmentAccess.ReadWrite, options));

    /// <summary>Attaches an array read-only: the kernel refuses every store. Read permission is enough.</summary>
    /// <exception cref="UnauthorizedAccessException">This user may not read the array, or another user owns it.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static ReadOnlySharedArray<T> AttachReadOnly<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, AttachOptions? options = null)
        where T : unmanaged
        => new(Attach(name, ElementTypes.Of<T>(), SegmentAccess.ReadOnly, options));

    /// <summary>Attaches a private copy of an array. A store copies its page (<c>MAP_PRIVATE</c> in <c>mmap(2)</c>), so other processes do
    /// not see it.</summary>
    /// <returns>The array. Disposing it discards the stores of this process.</returns>
    /// <remarks>The copy is not a snapshot: later stores of other processes are visible in pages (4 KiB) to which this process has not
    /// written. For a snapshot, copy the array (<see cref="TypedSharedArray{T}.ToArray"/>), or let writers publish whole generations
    /// (<see cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>). Read permission is enough.</remarks>
    /// <inheritdoc cref="AttachReadOnly{T}(string, AttachOptions)"/>
    public static SharedArray<T> AttachCopyOnWrite<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, AttachOptions? options = null)
        where T : unmanaged
        => new(Attach(name, ElementTypes.Of<T>(), SegmentAccess.CopyOnWrite, options));

    /// <summary>Attaches an array whose element type is known only at run time.</summary>
    /// <param name="name">The name of the array.</param>
    /// <param name="access">The use of its memory.</param>
    /// <param name="options">The acceptable owners and links; the defaults if null.</param>
    /// <returns>The array: a <see cref="SharedArray{T}"/> or <see cref="ReadOnlySharedArray{T}"/> if the element type has a C# type; see
    /// also <see cref="UntypedSharedArray.As{T}"/>.</returns>
    /// <remarks>A foreign file may have elements that are not aligned, so that reads and writes could be torn. The array of such a file is
    /// not a <see cref="SharedArray{T}"/>: its <see cref="UntypedSharedArray.GetValue(long)"/> and
    /// <see cref="UntypedSharedArray.SetValue(object, long)"/> copy each element.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The access is not a value of the enumeration.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the array, or not write it if the access is
    /// <see cref="SharedArrayAccess.ReadWrite"/>; or another user owns it.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static UntypedSharedArray AttachUntyped(
        string name, SharedArrayAccess access = SharedArrayAccess.ReadWrite, AttachOptions? options = null)
        => Enum.IsDefined(access)
            ? ArrayWrapper.Wrap(Attach(name, expected: null, (SegmentAccess)access, options), (SegmentAccess)access)
            : throw new ArgumentOutOfRangeException(nameof(access), access, "Use ReadWrite, ReadOnly or CopyOnWrite.");

    /// <summary>Attaches bytes without a description for reading and writing, such as a segment of Python's
    /// <c>multiprocessing.shared_memory</c>.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name of the segment.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="offset">The offset of the first element in the file, in bytes.</param>
    /// <param name="options">The acceptable owners and links; the defaults if null.</param>
    /// <returns>The array, without locks. Disposing it detaches it.</returns>
    /// <remarks>Only the size is checked: the caller is responsible for the element type, and a description in the segment is ignored.
    /// <see cref="Delete"/> and <see cref="List"/> skip segments that are not arrays, so the creator of the segment must delete
    /// it.</remarks>
    /// <exception cref="ArgumentException">The name is invalid, a length or the offset is negative, or the shape has more than 64
    /// dimensions or 2^63 bytes.</exception>
    /// <exception cref="FileNotFoundException">The segment does not exist.</exception>
    /// <exception cref="InvalidDataException">The segment is empty, shorter than the elements, or not a regular file; or the offset is not
    /// a multiple of the element type's alignment. Nothing was mapped.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedArray<T> AttachRaw<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, long[] shape, long offset = 0, AttachOptions? options = null)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        DType type = ElementTypes.Of<T>();
        long length = NewArray.CheckShape(type, shape, nameof(shape));
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        return new(AttachedArray.AttachRaw(segment, type, shape, length, offset, (options ?? s_cautious).ToAttachPolicy()));
    }

    private static AttachedArray Attach(string name, DType? expected, SegmentAccess access, AttachOptions? options)
    {
        AttachOptions wanted = options ?? s_cautious;
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        return AttachedArray.Attach(segment, expected, access, wanted.ToAttachPolicy(), wanted.ToPagePolicy());
    }
}
