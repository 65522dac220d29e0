using System.Diagnostics.CodeAnalysis;
using PosixShm.Elements;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>Creates and attaches streams of frames: one writer, and any number of readers of the newest frame or of every frame.</summary>
/// <remarks><para>A stream is an ordinary array of shape (slots, frame...), which <see cref="SharedArray"/> lists and deletes, and numpy
/// reads. Frame n lies in slot n % slots. Two counters in the control page decide which frames are whole; see docs/FORMAT.md, "Streams of
/// frames".</para></remarks>
public static class SharedFrames
{
    /// <summary>Creates a stream without frames, which other processes can attach by name.</summary>
    /// <typeparam name="T">The element type. A frame of a struct type may be one element: then the shape of a frame is empty.</typeparam>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="slots">The number of frames that the array holds, at least 3. A reader of the newest frame has the time of slots - 2
    /// frames to copy it.</param>
    /// <param name="frameShape">The length of each dimension of a frame; empty for one element.</param>
    /// <returns>The stream. Disposing it detaches it from this process and deletes nothing.</returns>
    /// <exception cref="ArgumentException">The name is invalid, there are fewer than 3 slots, a length is negative, or the array would have
    /// more than 64 dimensions or 2^63 bytes.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="SharedArrayExistsException">The name exists.</exception>
    /// <exception cref="IOException">The file system has no space, or a limit of the process was reached.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create files in the directory.</exception>
    public static SharedFrames<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, long slots, params long[] frameShape)
        where T : unmanaged
        => Create<T>(name, slots, frameShape, new SharedArrayOptions());

    /// <inheritdoc cref="Create{T}(string, long, long[])"/>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="slots">The number of frames that the array holds, at least 3.</param>
    /// <param name="frameShape">The length of each dimension of a frame; empty for one element.</param>
    /// <param name="options">The options of the array. <see cref="SharedArrayOptions.Locks"/> = 0 is refused, because the counters of the
    /// stream are in the page of the locks.</param>
    public static SharedFrames<T> Create<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, long slots, long[] frameShape, SharedArrayOptions options)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(frameShape);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, FrameStream.MinSlots);
        if (options.Locks == 0)
        {
            throw new ArgumentException("A stream of frames needs the page of the locks: Locks is at least 1.", nameof(options));
        }

        return new(FrameStream.Of(ArrayCreation.CreateWithPage(
            new ArrayRequest(name, ElementTypes.Of<T>(), [slots, .. frameShape], Fill: null, options, Existing: null))));
    }

    /// <summary>Attaches a stream, to write or to read it. An array of numpy with at least 3 rows is a stream without frames.</summary>
    /// <typeparam name="T">The element type, which must be the array's.</typeparam>
    /// <param name="name">The name of the array.</param>
    /// <param name="options">The acceptable owners and links; the defaults if null.</param>
    /// <returns>The stream. Disposing it detaches it.</returns>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="FileNotFoundException">The array does not exist.</exception>
    /// <exception cref="InvalidDataException">The file is not an array, is damaged, has another element type, fewer than 3 rows, or
    /// elements that are not aligned or in Fortran order.</exception>
    /// <exception cref="InvalidOperationException">The array cannot have a control page, for the reason in the message.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write the array, or another user owns it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or a file lock of another process covers the array;
    /// see <c>fcntl(2)</c>.</exception>
    public static SharedFrames<T> Attach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, AttachOptions? options = null)
        where T : unmanaged
        => new(FrameStream.Of(SharedArray.Attach(name, ElementTypes.Of<T>(), SegmentAccess.ReadWrite, options)));

    /// <summary>Attaches a stream to read it. Read permission is enough.</summary>
    /// <remarks>A read-only reader cannot mark the stream before it sleeps, so it checks it every millisecond.
    /// <see cref="FrameWakeUp.Always"/> of the writer wakes it at once.</remarks>
    /// <exception cref="UnauthorizedAccessException">This user may not read the array, or another user owns it.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedFrames<T> AttachReadOnly<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, AttachOptions? options = null)
        where T : unmanaged
        => new(FrameStream.Of(SharedArray.Attach(name, ElementTypes.Of<T>(), SegmentAccess.ReadOnly, options)));
}
