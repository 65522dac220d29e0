using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Format;

namespace PosixShm;

/// <content>Arrays without a name.</content>
public abstract partial class SharedArray
{
    // What /proc/PID/maps shows; memfd_create(2).
    private const string AnonymousLabel = "posixshm";

    /// <summary>
    /// Creates an array without a name: nothing is left behind, for the kernel frees it with its last user. Its size is sealed, so nobody can
    /// truncate it under the others; see <c>memfd_create(2)</c>.
    /// </summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">The length of each dimension.</param>
    /// <returns>
    /// The array, attached. Its <see cref="Name"/>, <c>/proc/PID/fd/N</c>, is what another process of this user attaches it by, as long as this one has it:
    /// tell it that text. Python opens the same path with <c>np.load</c>. A process that this one starts can get it by inheritance instead
    /// (<see cref="GiveToChildren"/>).
    /// </returns>
    /// <exception cref="ArgumentException">The shape is negative, of more than 64 dimensions, or of more than 2^63 bytes.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="IOException">There is not enough memory, or a limit of the process was reached.</exception>
    public static SharedArray<T> CreateAnonymous<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(params long[] shape)
        where T : unmanaged
        => CreateAnonymous<T>(s_defaults, shape);

    /// <inheritdoc cref="CreateAnonymous{T}(long[])"/>
    /// <param name="options">How its memory is taken.</param>
    /// <param name="shape">The length of each dimension.</param>
    [System.Runtime.CompilerServices.OverloadResolutionPriority(1)]
    public static SharedArray<T> CreateAnonymous<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(SharedArrayOptions options, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(shape);
        NewArray array = NewArray.Create(options.HeaderFormat, ElementTypes.Of<T>(), shape, options.Locks, isSealed: true, nameof(shape), options.Alignment);
        return new(AttachedArray.CreateAnonymous(AnonymousLabel, array, options.ToSegmentOptions(), options.PagePolicy));
    }

    /// <summary>Gives programs that this process starts from now on a descriptor of the array, until the array is disposed.</summary>
    /// <returns>The name by which they attach it: tell it them. As <c>/proc/self/fd/N</c> it is good in those programs only, and also after this process has ended.</returns>
    /// <exception cref="UnauthorizedAccessException">The array is attached to read only, and this user may not write it.</exception>
    /// <exception cref="IOException">A limit of the process was reached.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public string GiveToChildren()
    {
        using Use use = new(this);
        return use.Segment.GiveToChildren();
    }
}
