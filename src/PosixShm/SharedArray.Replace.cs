using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
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
    /// <returns>The new array, attached. It has the owner, the group, the permissions with their access control list (<c>acl(5)</c>), the layout and as many locks as the old one.</returns>
    /// <remarks>Of two who replace at once, the last one's array stays. A process killed at the wrong moment can leave a whole array whose name ends in <c>.posixshm-</c> and random digits.</remarks>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The name is no array.</exception>
    /// <exception cref="UnauthorizedAccessException">The old array belongs to another user, and the options do not allow that; or this user cannot
    /// give the new one its owner, its group or its access control list; or may not write to the directory. The old array keeps the name.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> Replace<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Replace<T>(name, s_cautious, shape);

    /// <inheritdoc cref="Replace{T}(string, long[])"/>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="options">What is acceptable in the old array. A symbolic link is not followed.</param>
    /// <param name="shape">The length of each dimension.</param>
    [OverloadResolutionPriority(1)]
    public static SharedArray<T> Replace<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, AttachOptions options, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        SegmentName segment = ParseReplaced(name);
        using SegmentFile old = OpenReplaced(segment, options, out ArrayHeader header, out long size);
        _ = ArrayReader.TryFindPage(old, header, size, out PagePlace page);
        SharedArrayOptions created = OptionsOf(header, page);
        return new(AttachedArray.Replace(segment, Describe(ElementTypes.Of<T>(), created, shape), created.ToSegmentOptions(), new Replacement(old, SignalReplaced)));
    }

    /// <summary>
    /// Puts a longer or shorter array in the place of the one that has the name, with the old elements, in C order, as far as they fit, and zeros after them:
    /// numpy's <c>a.resize(shape)</c>. What others write to the old one after this began is not carried over.
    /// </summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <returns>The new array, attached. It has the owner, the group, the permissions with their access control list (<c>acl(5)</c>), the layout and as many locks as the old one.</returns>
    /// <remarks>Of two who resize at once, the last one's array stays. To exclude that, or writers, hold a lock of your own around it.</remarks>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The name is no array, or one of another element type.</exception>
    /// <exception cref="UnauthorizedAccessException">The old array belongs to another user, and the options do not allow that; or this user cannot
    /// give the new one its owner, its group or its access control list; or may not write to the directory. The old array keeps the name.</exception>
    /// <exception cref="SharedMemoryLostException">The old array's memory went away while it was copied. It keeps the name.</exception>
    /// <inheritdoc cref="Create{T}(string, long[])"/>
    public static SharedArray<T> Resize<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(string name, params long[] shape)
        where T : unmanaged
        => Resize<T>(name, s_cautious, shape);

    /// <inheritdoc cref="Resize{T}(string, long[])"/>
    /// <param name="name">The name, which must exist.</param>
    /// <param name="options">What is acceptable in the old array. A symbolic link is not followed.</param>
    /// <param name="shape">The length of each dimension.</param>
    [OverloadResolutionPriority(1)]
    public static SharedArray<T> Resize<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, AttachOptions options, params long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        ElementType type = ElementTypes.Of<T>();
        SegmentName segment = ParseReplaced(name);
        SegmentFile file = OpenReplaced(segment, options, out ArrayHeader header, out long size);
        AttachedArray? old = null;
        try
        {
            AttachedArray.CheckType(segment, header, type);
            old = AttachedArray.Map(file, header, size, SegmentAccess.ReadOnly, PagePolicy.Never);
            SharedArrayOptions created = OptionsOf(header, old.Page);
            NewArray array = Describe(type, created, shape);
            long bytes = Math.Min(header.DataLength, array.Header.DataLength);
            return new(AttachedArray.Replace(segment, array, created.ToSegmentOptions(), new Replacement(file, SignalReplaced), CopyOf(old, bytes)));
        }
        finally
        {
            old?.Segment.Release();
            file.Dispose();
        }
    }

    private static SegmentName ParseReplaced(string name)
    {
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        return segment.Kind != SegmentKind.Descriptor
            ? segment
            : throw new ArgumentException($"'{name}' is a descriptor: it has no name whose array could be replaced.", nameof(name));
    }

    // Held until the new array has the name: what it is, and who may use it, are those of one file.
    private static SegmentFile OpenReplaced(SegmentName name, AttachOptions options, out ArrayHeader header, out long size)
    {
        ArgumentNullException.ThrowIfNull(options);
        SegmentTrust trust = options.ToTrust() with { FollowLinks = false };
        SegmentFile file = SegmentFile.Open(name, SegmentAccess.ReadOnly, trust, out Native.Interop.Probe probe);
        try
        {
            size = probe.Status.Size;
            header = ArrayReader.Read(name, file, probe);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // Readers of the array that was replaced may sleep until it changes, and no writer signals there any more.
    private static void SignalReplaced(SegmentFile replaced)
    {
        try
        {
            long size = replaced.GetStatus().Size;
            AttachedArray old = AttachedArray.Map(
                replaced, ArrayReader.Read(replaced.Name, replaced, size), size, SegmentAccess.ReadWrite, PagePolicy.InArrayDirectory);
            try
            {
                // Without a page, nobody sleeps on it.
                if (old.Policy != PagePolicy.Never && new AttachedPage(old) is { IsFound: true } page)
                {
                    _ = new SharedEvent(page).Signal();
                }
            }
            finally
            {
                old.Segment.Release();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException)
        {
            // The array is replaced all the same: its readers are not ours to wake, or find their memory lost.
        }
    }

    private static SharedArrayOptions OptionsOf(ArrayHeader old, PagePlace page) => new()
    {
        Layout = old.Format == HeaderFormat.SharedArray ? ArrayLayout.SharedArray : ArrayLayout.Npy,
        Locks = page.LockCount,
        Alignment = old.Format == HeaderFormat.Npy && old.DataOffset % SharedArrayOptions.MostAlignment == 0
            ? SharedArrayOptions.MostAlignment
            : NpyHeader.Alignment,
    };
}
