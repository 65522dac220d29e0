using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Arrays in shared memory by name: creates, attaches, lists and deletes them.</summary>
/// <remarks>
/// <para>
/// A name is <c>test1</c>, <c>/test1</c> or <c>shm://test1</c>, which are one array in <c>/dev/shm</c>, or <c>file:///path</c> for an array
/// in a file. The environment variable <c>POSIXSHM_DIR</c>, read once, names another directory than <c>/dev/shm</c>; if that directory does
/// not exist, every method that takes or lists such names throws <see cref="DirectoryNotFoundException"/>.
/// </para>
/// <para>
/// Create fails if the name exists, and Attach fails if it does not. Dispose detaches and deletes nothing. Delete removes the name;
/// processes that have the array attached keep it. An array outlives the process that created it, until a process deletes it.
/// </para>
/// <para>
/// A segment is a valid .npy file, so Python needs nothing but numpy:
/// <c>np.load("/dev/shm/test1", mmap_mode="r+")</c>. See <c>shm_overview(7)</c> and <c>numpy.lib.format</c>.
/// </para>
/// <para>
/// Each verb that makes an array takes a shape, for zeros, or an <see cref="ArrayContent"/>. Without an element type, <c>T</c> is
/// <see cref="double"/>, as in numpy. Methods may be called from any thread. Elements are plain memory: see <see cref="SharedArray{T}"/>.
/// </para>
/// </remarks>
public static partial class SharedArray
{
    /// <summary>
    /// Gets whether SIGBUS, which lost memory raises, reaches this library. Its handler is installed with the first array, or by this
    /// property.
    /// </summary>
    /// <value>
    /// <see langword="false"/> if the switch <c>PosixShm.DisableFaultGuard</c> is set, or another library has installed a handler since
    /// then: a touch of lost memory may end the process. It becomes <see langword="true"/> again when that handler passes a signal on. See
    /// <c>sigaction(2)</c>.
    /// </value>
    public static bool IsFaultGuardActive => OperatingSystem.IsLinux() && Segment.IsGuardActive;

    /// <summary>Creates an array of <see cref="double"/> that other processes can attach by name. Its elements are zero.</summary>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<double> Create(string name, params long[] shape) => Create<double>(name, shape);

    /// <summary>Creates an array that other processes can attach by name. Its elements are zero.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="shape">The length of each dimension; none at all for an array of one element without dimensions.</param>
    /// <returns>The array, attached. Disposing it detaches; it does not delete.</returns>
    /// <exception cref="ArgumentException">The name is invalid. Or the shape is negative, has more than 64 dimensions (27 in the
    /// SharedArray layout) or more than 2^63 bytes.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type, or the layout cannot hold it.</exception>
    /// <exception cref="SharedArrayExistsException">The name exists.</exception>
    /// <exception cref="IOException">There is no space (<see cref="Exception.HResult"/> is 28, ENOSPC, and the message has the free space),
    /// or a limit of the process was reached.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create files in the directory.</exception>
    public static SharedArray<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Create(name, ArrayContent.Zeros<T>(shape));

    /// <summary>Creates an array with the given content, in its shape. No other process sees the array without its content.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="content">The shape and the elements; see <see cref="ArrayContent"/>.</param>
    /// <param name="options">The permissions, how its space is reserved, and its layout.</param>
    /// <exception cref="InvalidDataException">The content is an .npy file that is damaged, ends too soon, or has another element type or
    /// Fortran order. Nothing was created.</exception>
    /// <exception cref="SharedMemoryLostException">The memory of the array that is copied is lost. Nothing was created.</exception>
    /// <exception cref="ObjectDisposedException">The array that is copied is detached. Nothing was created.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ArrayContent<T> content, SharedArrayOptions? options = null)
        where T : unmanaged
        => new(content.Make(ElementTypes.Of<T>(), ArrayCreation.Create, name, options));

    /// <summary>Creates an array with the given content, whose element type is known only at run time. No other process sees the array
    /// without its content.</summary>
    /// <returns>The array, attached: a <see cref="SharedArray{T}"/> if a C# type stands for the element type.</returns>
    /// <inheritdoc cref="Create{T}(string, ArrayContent{T}, SharedArrayOptions)"/>
    public static UntypedSharedArray Create(string name, UntypedArrayContent content, SharedArrayOptions? options = null)
        => Make(content, ArrayCreation.Create, name, options);

    /// <summary>Creates an array of <see cref="double"/>, or attaches the one that exists: exactly one of several callers at once creates
    /// it.</summary>
    /// <inheritdoc cref="CreateOrAttach{T}(string, long[])"/>
    public static SharedArray<double> CreateOrAttach(string name, params long[] shape) => CreateOrAttach<double>(name, shape);

    /// <summary>Creates an array, or attaches the one that exists: exactly one of several callers at once creates it.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="shape">The length of each dimension, which an array that exists must have too.</param>
    /// <exception cref="InvalidDataException">The file of that name is not an array, or is one of another element type or
    /// shape.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> CreateOrAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => CreateOrAttach(name, ArrayContent.Zeros<T>(shape));

    /// <summary>
    /// Creates an array with the given content, or attaches the one that exists: exactly one of several callers at once creates it, and
    /// none sees it without content.
    /// </summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="content">The shape, which an array that exists must have too, and the elements of a new array.</param>
    /// <param name="options">How the array is created, if it is.</param>
    /// <param name="existing">Which existing array is acceptable.</param>
    /// <inheritdoc cref="CreateOrAttach{T}(string, long[])"/>
    public static SharedArray<T> CreateOrAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ArrayContent<T> content, SharedArrayOptions? options = null, AttachOptions? existing = null)
        where T : unmanaged
        => new(content.Make(ElementTypes.Of<T>(), ArrayCreation.CreateOrAttach, name, options, existing));

    /// <summary>Creates an array whose element type is known only at run time, or attaches the one that exists.</summary>
    /// <returns>The array, attached: a <see cref="SharedArray{T}"/> if a C# type stands for the element type.</returns>
    /// <inheritdoc cref="CreateOrAttach{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    public static UntypedSharedArray CreateOrAttach(
        string name, UntypedArrayContent content, SharedArrayOptions? options = null, AttachOptions? existing = null)
        => Make(content, ArrayCreation.CreateOrAttach, name, options, existing);

    /// <summary>Puts a new array of <see cref="double"/>, whose elements are zero, in the place of the one that has the name.</summary>
    /// <inheritdoc cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    public static SharedArray<double> Replace(string name, params long[] shape) => Replace<double>(name, shape);

    /// <summary>Puts a new array, whose elements are zero, in the place of the one that has the name.</summary>
    /// <inheritdoc cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    public static SharedArray<T> Replace<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Replace(name, ArrayContent.Zeros<T>(shape));

    /// <summary>
    /// Publishes a new array in the place of the one that has the name. A process that attaches meanwhile gets the old or the new one,
    /// whole, never neither; see <c>rename(2)</c>. Processes that have the old one attached keep it, and see by
    /// <see cref="UntypedSharedArray.IsCurrent"/> that it is no longer the current one. The old one's
    /// <see cref="UntypedSharedArray.ChangeCounter"/> is signalled afterwards, for readers that sleep.
    /// </summary>
    /// <typeparam name="T">The element type, which may be another one than before.</typeparam>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="content">The shape and the elements of the new array; see <see cref="ArrayContent"/>.</param>
    /// <param name="options">The layout, the number of locks and how space is reserved. If it is null, layout and locks are those of the
    /// old array.</param>
    /// <param name="existing">Which old array is acceptable. A symbolic link is not followed.</param>
    /// <returns>The new array, attached. It has the owner, the group and the permissions of the old one, with their access control list
    /// (<c>acl(5)</c>).</returns>
    /// <remarks>If two processes replace at once, the last one's array stays. A process killed at the wrong moment can leave a whole array
    /// whose name ends in <c>.posixshm-</c> and random digits.</remarks>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The file of that name is not an array; or the content is an .npy file that cannot be
    /// used.</exception>
    /// <exception cref="UnauthorizedAccessException">The old array belongs to another user, and the options do not allow that; or this user
    /// cannot give the new one its owner, its group or its access control list; or may not write to the directory. The old array keeps the
    /// name.</exception>
    /// <inheritdoc cref="Create{T}(string, ArrayContent{T}, SharedArrayOptions)"/>
    public static SharedArray<T> Replace<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, ArrayContent<T> content, SharedArrayOptions? options = null, AttachOptions? existing = null)
        where T : unmanaged
        => new(content.Make(ElementTypes.Of<T>(), ArrayCreation.Replace, name, options, existing));

    /// <summary>Publishes a new array, whose element type is known only at run time, in the place of the one that has the name.</summary>
    /// <inheritdoc cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    public static UntypedSharedArray Replace(string name, UntypedArrayContent content, SharedArrayOptions? options = null, AttachOptions? existing = null)
        => Make(content, ArrayCreation.Replace, name, options, existing);

    /// <summary>Creates an array of <see cref="double"/> without a name. Its elements are zero.</summary>
    /// <inheritdoc cref="CreateAnonymous{T}(long[])"/>
    public static SharedArray<double> CreateAnonymous(params long[] shape) => CreateAnonymous<double>(shape);

    /// <summary>
    /// Creates an array without a name: nothing is left behind, for the kernel frees it with its last user. Its size is sealed, so no
    /// process can truncate it under the others; see <c>memfd_create(2)</c>.
    /// </summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">The length of each dimension.</param>
    /// <returns>
    /// The array, attached. Its <see cref="UntypedSharedArray.Name"/>, <c>/proc/PID/fd/N</c>, is the text by which another process of this
    /// user attaches it, while this process has it. Python opens the same path with <c>np.load</c>. A process that this one starts can
    /// inherit it instead (<see cref="UntypedSharedArray.MakeInheritable"/>).
    /// </returns>
    /// <exception cref="ArgumentException">The shape is negative, of more than 64 dimensions, or of more than 2^63 bytes.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="IOException">There is not enough memory, or a limit of the process was reached.</exception>
    public static SharedArray<T> CreateAnonymous<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(params long[] shape)
        where T : unmanaged
        => CreateAnonymous(ArrayContent.Zeros<T>(shape));

    /// <inheritdoc cref="CreateAnonymous{T}(long[])"/>
    /// <param name="content">The shape and the elements; see <see cref="ArrayContent"/>.</param>
    /// <param name="options">How its memory is reserved, and its layout.</param>
    public static SharedArray<T> CreateAnonymous<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        ArrayContent<T> content, SharedArrayOptions? options = null)
        where T : unmanaged
        => new(content.Make(ElementTypes.Of<T>(), ArrayCreation.CreateAnonymous, name: "", options));

    /// <inheritdoc cref="CreateAnonymous{T}(ArrayContent{T}, SharedArrayOptions)"/>
    public static UntypedSharedArray CreateAnonymous(UntypedArrayContent content, SharedArrayOptions? options = null)
        => Make(content, ArrayCreation.CreateAnonymous, name: "", options);

    /// <summary>
    /// Puts a longer or shorter array in the place of the one that has the name. It has the old elements, in C order, as far as they fit,
    /// and zeros after them: numpy's <c>a.resize(shape)</c>. Elements that others write to the old array after this began are not carried
    /// over.
    /// </summary>
    /// <typeparam name="T">The element type, which must be the array's.</typeparam>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <returns>The new array, attached. It has the owner, the group, the permissions with their access control list (<c>acl(5)</c>), the
    /// layout and as many locks as the old one.</returns>
    /// <remarks>If two processes resize at once, the last one's array stays. To exclude that, or writers, hold a lock of your own around
    /// it.</remarks>
    /// <exception cref="InvalidDataException">The file of that name is not an array, or is one of another element type.</exception>
    /// <exception cref="SharedMemoryLostException">The old array's memory was lost while it was copied. It keeps the name.</exception>
    /// <inheritdoc cref="Replace{T}(string, ArrayContent{T}, SharedArrayOptions, AttachOptions)"/>
    public static SharedArray<T> Resize<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Resize<T>(name, shape, existing: null);

    /// <inheritdoc cref="Resize{T}(string, long[])"/>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="existing">Which old array is acceptable. A symbolic link is not followed.</param>
    public static SharedArray<T> Resize<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, long[] shape, AttachOptions? existing)
        where T : unmanaged
        => new(ArrayCreation.Resize(new ArrayRequest(name, ElementTypes.Of<T>(), shape, Fill: null, Options: null, existing)));

    /// <summary>Returns the C# type that stands for one of numpy's element types.</summary>
    /// <param name="dtype">numpy's name (<c>float64</c>) or notation (<c>&lt;f8</c>) of the element type.</param>
    /// <returns>The C# type, or null where there is none, as for <c>S10</c>.</returns>
    /// <exception cref="ArgumentException">The text is not an element type.</exception>
    public static Type? ElementTypeOf(string dtype) => ElementTypes.Find(ElementTypes.Parse(dtype, nameof(dtype)))?.Type;

    private static UntypedSharedArray Make(
        UntypedArrayContent content, Func<ArrayRequest, AttachedArray> make, string name, SharedArrayOptions? options, AttachOptions? existing = null)
    {
        ArgumentNullException.ThrowIfNull(content);
        return ArrayWrapper.Wrap(content.Make(make, name, options, existing), SegmentAccess.ReadWrite);
    }
}
