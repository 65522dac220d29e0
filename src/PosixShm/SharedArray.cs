using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Creates, attaches, lists and deletes arrays in shared memory by name.</summary>
/// <remarks><para>The names <c>test1</c>, <c>/test1</c> and <c>shm://test1</c> refer to one array in <c>/dev/shm</c>. The name
/// <c>file:///path</c> refers to an array in a file. The environment variable <c>POSIXSHM_DIR</c>, read once, names a directory other than
/// <c>/dev/shm</c>. If that directory does not exist, every method that takes or lists such names throws
/// <see cref="DirectoryNotFoundException"/>.</para>
/// <para>Create fails if the name exists, and Attach fails if it does not exist. Dispose detaches an array and deletes nothing. Delete
/// removes the name; processes that have the array attached keep it. An array outlives the process that created it, until a process deletes
/// it.</para>
/// <para>A segment is a valid .npy file, so Python needs only numpy: <c>np.load("/dev/shm/test1", mmap_mode="r+")</c>. See
/// <c>shm_overview(7)</c> and <c>numpy.lib.format</c>.</para>
/// <para>Each method that creates an array takes a shape, for zeros, or an <see cref="ArrayContent"/>. The element type is
/// <see cref="double"/> unless given, as in numpy. All methods are thread-safe. Elements are plain memory: see
/// <see cref="SharedArray{T}"/>.</para></remarks>
public static partial class SharedArray
{
    /// <summary>Gets whether the library's SIGBUS handler is active, so that an access to lost memory does not end the process. It is
    /// installed with the first array, or by this property.</summary>
    /// <value><see langword="false"/> if the switch <c>PosixShm.DisableFaultGuard</c> is set, or another library has installed a later
    /// handler: an access to lost memory may end the process. It becomes <see langword="true"/> again when that handler passes a signal on.
    /// See <c>sigaction(2)</c>.</value>
    public static bool IsFaultGuardActive => OperatingSystem.IsLinux() && Segment.IsGuardActive;

    /// <summary>Creates an array of <see cref="double"/> whose elements are zero, and which other processes can attach by name.</summary>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<double> Create(string name, params long[] shape) => Create<double>(name, shape);

    /// <summary>Creates an array whose elements are zero, and which other processes can attach by name.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="shape">The length of each dimension; empty for an array of one element without dimensions.</param>
    /// <returns>The array. Disposing it detaches it from this process and deletes nothing.</returns>
    /// <exception cref="ArgumentException">The name is invalid, a length is negative, or the shape has more than 64 dimensions (27 in the
    /// SharedArray layout) or 2^63 bytes.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type, or the layout cannot hold it.</exception>
    /// <exception cref="SharedArrayExistsException">The name exists.</exception>
    /// <exception cref="IOException">The file system has no space (<see cref="Exception.HResult"/> is 28, ENOSPC, and the message reports
    /// the free space), or a limit of the process was reached.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create files in the directory.</exception>
    public static SharedArray<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Create(name, ArrayContent.Zeros<T>(shape));

    /// <summary>Creates an array with the given content. Other processes can attach the array only when its content is complete.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="content">The shape and the elements; see <see cref="ArrayContent"/>.</param>
    /// <param name="options">The permissions, the reservation of space, and the layout; the defaults if null.</param>
    /// <exception cref="InvalidDataException">The content is an .npy file that is damaged, truncated, or has another element type. No array
    /// was created.</exception>
    /// <exception cref="SharedMemoryLostException">The memory of the array that is copied is lost. No array was created.</exception>
    /// <exception cref="ObjectDisposedException">The array that is copied is disposed. No array was created.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ArrayContent<T> content, SharedArrayOptions? options = null)
        where T : unmanaged
        => new(content.Make(ElementTypes.Of<T>(), ArrayCreation.Create, name, options));

    /// <summary>Creates an array with the given content, whose element type is known only at run time.</summary>
    /// <returns>The array: a <see cref="SharedArray{T}"/> if the element type has a C# type.</returns>
    /// <inheritdoc cref="Create{T}(string, ArrayContent{T}, SharedArrayOptions)"/>
    public static UntypedSharedArray Create(string name, UntypedArrayContent content, SharedArrayOptions? options = null)
        => Make(content, ArrayCreation.Create, name, options);

    /// <summary>Creates an array of <see cref="double"/>, or attaches the existing one. Exactly one of several concurrent callers creates
    /// it.</summary>
    /// <inheritdoc cref="CreateOrAttach{T}(string, long[])"/>
    public static SharedArray<double> CreateOrAttach(string name, params long[] shape) => CreateOrAttach<double>(name, shape);

    /// <summary>Creates an array, or attaches the existing one. Exactly one of several concurrent callers creates it.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="shape">The length of each dimension, which an existing array must have too.</param>
    /// <exception cref="InvalidDataException">The existing file is not an array, or has another element type or shape.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateOrAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => CreateOrAttach(name, ArrayContent.Zeros<T>(shape));

    /// <summary>Creates an array with the given content, or attaches the existing one. Exactly one of several concurrent callers creates
    /// it, and the others attach it with its content.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="content">The shape, which an existing array must have too, and the elements of a new array.</param>
    /// <param name="options">The options of a new array; the defaults if null.</param>
    /// <param name="existing">The options of an attachment; the defaults if null.</param>
    /// <inheritdoc cref="CreateOrAttach{T}(string, long[])"/>
    public static SharedArray<T> CreateOrAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ArrayContent<T> content, SharedArrayOptions? options = null, AttachOptions? existing = null)
        where T : unmanaged
        => new(content.Make(ElementTypes.Of<T>(), ArrayCreation.CreateOrAttach, name, options, existing));

    /// <summary>Creates an array whose element type is known only at run time, or attaches the existing one.</summary>
    /// <returns>The array: a <see cref="SharedArray{T}"/> if the element type has a C# type.</returns>
    /// <inheritdoc cref="CreateOrAttach{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    public static UntypedSharedArray CreateOrAttach(
        string name, UntypedArrayContent content, SharedArrayOptions? options = null, AttachOptions? existing = null)
        => Make(content, ArrayCreation.CreateOrAttach, name, options, existing);

    /// <summary>Replaces an array by a new array of <see cref="double"/> whose elements are zero.</summary>
    /// <inheritdoc cref="Replace{T}(string, long[])"/>
    public static SharedArray<double> Replace(string name, params long[] shape) => Replace<double>(name, shape);

    /// <summary>Replaces an array by a new array whose elements are zero.</summary>
    /// <inheritdoc cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    public static SharedArray<T> Replace<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Replace(name, ArrayContent.Zeros<T>(shape));

    /// <summary>Replaces an array atomically by a new array: a process that attaches the name at the same time gets either the old or the
    /// complete new array; see <c>rename(2)</c>. Processes that have the old array attached keep it, and their
    /// <see cref="UntypedSharedArray.IsCurrent"/> becomes <see langword="false"/>. The old array's
    /// <see cref="UntypedSharedArray.ChangeCounter"/> is signalled afterwards, to wake sleeping readers.</summary>
    /// <typeparam name="T">The element type, which may differ from the old array's.</typeparam>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="content">The shape and the elements of the new array; see <see cref="ArrayContent"/>.</param>
    /// <param name="options">The layout, the number of locks and the reservation of space. If null, layout and locks are those of the old
    /// array.</param>
    /// <param name="existing">The acceptable owners of the old array; the defaults if null. A symbolic link is not followed.</param>
    /// <returns>The new array, with the owner, the group and the permissions of the old one, including the access control list
    /// (<c>acl(5)</c>).</returns>
    /// <remarks>If two processes replace an array at the same time, the last replacement stays. A process that is killed may leave a
    /// complete array whose name ends in <c>.posixshm-</c> and random digits.</remarks>
    /// <exception cref="FileNotFoundException">The array does not exist.</exception>
    /// <exception cref="InvalidDataException">The existing file is not an array, or the content is an .npy file that is damaged, truncated,
    /// or has another element type.</exception>
    /// <exception cref="UnauthorizedAccessException">Another user owns the old array, and the options do not allow that; or this user may
    /// not set the new file's owner, group or access control list, or not write to the directory. The old array keeps the name.</exception>
    /// <inheritdoc cref="Create{T}(string, ArrayContent{T}, SharedArrayOptions)"/>
    public static SharedArray<T> Replace<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ArrayContent<T> content, SharedArrayOptions? options = null, AttachOptions? existing = null)
        where T : unmanaged
        => new(content.Make(ElementTypes.Of<T>(), ArrayCreation.Replace, name, options, existing));

    /// <summary>Replaces an array by a new array whose element type is known only at run time.</summary>
    /// <inheritdoc cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    public static UntypedSharedArray Replace(
        string name, UntypedArrayContent content, SharedArrayOptions? options = null, AttachOptions? existing = null)
        => Make(content, ArrayCreation.Replace, name, options, existing);

    /// <summary>Creates an array of <see cref="double"/> without a name, whose elements are zero.</summary>
    /// <inheritdoc cref="CreateAnonymous{T}(long[])"/>
    public static SharedArray<double> CreateAnonymous(params long[] shape) => CreateAnonymous<double>(shape);

    /// <summary>Creates an array without a name, whose elements are zero. The kernel frees it when the last process detaches it, so it
    /// cannot be left over. Its size is sealed, so no process can truncate it; see <c>memfd_create(2)</c>.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">The length of each dimension.</param>
    /// <returns>The array. Another process of this user can attach it by its <see cref="UntypedSharedArray.Name"/>, <c>/proc/PID/fd/N</c>,
    /// while this process has it attached. Python opens the same path with <c>np.load</c>. A child process can inherit it instead
    /// (<see cref="UntypedSharedArray.MakeInheritable"/>).</returns>
    /// <exception cref="ArgumentException">A length is negative, or the shape has more than 64 dimensions or 2^63 bytes.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="IOException">The system has not enough memory, or a limit of the process was reached.</exception>
    public static SharedArray<T> CreateAnonymous<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(params long[] shape)
        where T : unmanaged
        => CreateAnonymous(ArrayContent.Zeros<T>(shape));

    /// <inheritdoc cref="CreateAnonymous{T}(long[])"/>
    /// <param name="content">The shape and the elements; see <see cref="ArrayContent"/>.</param>
    /// <param name="options">The reservation of memory, and the layout; the defaults if null.</param>
    public static SharedArray<T> CreateAnonymous<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        ArrayContent<T> content, SharedArrayOptions? options = null)
        where T : unmanaged
        => new(content.Make(ElementTypes.Of<T>(), ArrayCreation.CreateAnonymous, name: "", options));

    /// <inheritdoc cref="CreateAnonymous{T}(ArrayContent{T}, SharedArrayOptions)"/>
    public static UntypedSharedArray CreateAnonymous(UntypedArrayContent content, SharedArrayOptions? options = null)
        => Make(content, ArrayCreation.CreateAnonymous, name: "", options);

    /// <summary>Replaces an array by a longer or shorter one, as numpy's <c>a.resize(shape)</c> does. The new array begins with the old
    /// elements in C order, and further elements are zero. Stores into the old array during the call may be lost.</summary>
    /// <typeparam name="T">The element type, which must be the array's.</typeparam>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <returns>The new array, with the old one's layout, number of locks, owner, group, permissions and access control list
    /// (<c>acl(5)</c>).</returns>
    /// <remarks>If two processes resize an array at the same time, the last replacement stays. A lock in another array or a semaphore can
    /// exclude that, and writers.</remarks>
    /// <exception cref="InvalidDataException">The existing file is not an array, or has another element type.</exception>
    /// <exception cref="SharedMemoryLostException">The old array's memory was lost while it was copied. The old array keeps the
    /// name.</exception>
    /// <inheritdoc cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    public static SharedArray<T> Resize<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Resize<T>(name, shape, existing: null);

    /// <inheritdoc cref="Resize{T}(string, long[])"/>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="existing">The acceptable owners of the old array; the defaults if null. A symbolic link is not followed.</param>
    public static SharedArray<T> Resize<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, long[] shape, AttachOptions? existing)
        where T : unmanaged
        => new(ArrayCreation.Resize(new ArrayRequest(name, ElementTypes.Of<T>(), shape, Fill: null, Options: null, existing)));

    /// <summary>Returns the C# type of one of numpy's element types.</summary>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>) of the element type.</param>
    /// <returns>The C# type, or null for an element type without one, such as <c>S10</c>.</returns>
    /// <exception cref="ArgumentException">The dtype is invalid.</exception>
    public static Type? ElementTypeOf(string dtype) => ElementTypes.Find(ElementTypes.Parse(dtype, nameof(dtype)))?.Type;

    private static UntypedSharedArray Make(
        UntypedArrayContent content, Func<ArrayRequest, AttachedArray> make, string name, SharedArrayOptions? options,
        AttachOptions? existing = null)
    {
        ArgumentNullException.ThrowIfNull(content);
        return ArrayWrapper.Wrap(content.Make(make, name, options, existing), SegmentAccess.ReadWrite);
    }
}
