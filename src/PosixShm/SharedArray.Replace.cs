using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Names;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>New generations under an old name.</content>
public abstract partial class SharedArray
{
    /// <summary>
    /// Puts a new array, whose elements are zero, in the place of the one that has the name. Whoever attaches meanwhile gets the old or the new
    /// one, whole, never neither; see <c>rename(2)</c>. Whoever has the old one attached keeps it, and sees by <see cref="IsCurrent"/> that it is no longer the one.
    /// The old one's <see cref="Changed"/> is signalled afterwards, for readers that sleep.
    /// </summary>
    /// <typeparam name="T">The element type, which may be another one than before.</typeparam>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <returns>The new array, attached. It has the permissions, the layout and as many locks as the old one.</returns>
    /// <remarks>Of two who replace at once, the last one's array stays. A process killed at the wrong moment can leave a whole array named <c>.posixshm-</c> and random digits.</remarks>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The name is no array.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> Replace<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        SharedArrayOptions options = OptionsOf(segment);
        return new(AttachedArray.Replace(segment, Describe(ElementTypes.Of<T>(), options, shape), options.ToSegmentOptions(), fill: null, SignalReplaced));
    }

    /// <summary>
    /// Puts a longer or shorter array in the place of the one that has the name, with the old elements, in C order, as far as they fit, and zeros after them:
    /// numpy's <c>a.resize(shape)</c>. What others write to the old one after this began is not carried over.
    /// </summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <returns>The new array, attached. It has the permissions, the layout and as many locks as the old one.</returns>
    /// <remarks>Of two who resize at once, the last one's array stays. To exclude that, or writers, hold a lock of your own around it.</remarks>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The name is no array, or one of another element type.</exception>
    /// <exception cref="SharedMemoryLostException">The old array's memory went away while it was copied. It keeps the name.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> Resize<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        ElementType type = ElementTypes.Of<T>();
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        SharedArrayOptions options = OptionsOf(segment);
        NewArray array = Describe(type, options, shape);
        AttachedArray old = AttachedArray.Attach(segment, type, SegmentAccess.ReadOnly, trust: default);
        try
        {
            long bytes = Math.Min(old.Header.DataLength, array.Header.DataLength);
            return new(AttachedArray.Replace(segment, array, options.ToSegmentOptions(), CopyOf(old, bytes), SignalReplaced));
        }
        finally
        {
            old.Segment.Release();
        }
    }

    // Readers of an array that is replaced may sleep until it changes, which nobody would tell them any more.
    private static Action? SignalReplaced(string path)
    {
        try
        {
            AttachedArray old = AttachedArray.Attach(SegmentName.Parse($"file://{path}", nameof(path)), expected: null, SegmentAccess.ReadWrite, SegmentTrust.Anybody);
            return () => SignalLast(old);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }

    private static void SignalLast(AttachedArray old)
    {
        try
        {
            if (old.Header.Control is ControlPage control)
            {
                _ = new SharedEvent(new AttachedPage(old.Segment, old.Header.ControlOffset, control)).Signal();
            }
        }
        catch (SharedMemoryLostException)
        {
            // Its readers learn that by themselves.
        }
        finally
        {
            old.Segment.Release();
        }
    }

    private static SharedArrayOptions OptionsOf(SegmentName name)
    {
        if (name.Kind == SegmentKind.Descriptor)
        {
            throw new ArgumentException($"'{name}' is a descriptor: it has no name whose array could be replaced.", nameof(name));
        }

        CatalogEntry old = ArrayCatalog.Describe(name);
        return new SharedArrayOptions
        {
            Mode = (UnixFileMode)(old.Status.Permissions & 0x1FF),
            Layout = old.Header.Format == HeaderFormat.SharedArray ? ArrayLayout.SharedArray : ArrayLayout.Npy,
            Locks = old.Header.Control?.LockCount ?? 1,
        };
    }
}
