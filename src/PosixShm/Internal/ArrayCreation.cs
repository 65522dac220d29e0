using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>The arguments of the methods that create an array. Without a filler, its elements are zero; without options, the defaults
/// apply.</summary>
internal readonly record struct ArrayRequest(
    string Name, DType Type, long[] Shape, ArrayFiller? Fill, SharedArrayOptions? Options, AttachOptions? Existing);

/// <summary>Creates, replaces and resizes arrays of any content.</summary>
[SuppressMessage("Usage", "CA2208", Justification = "The parameters are those of the public methods.")]
internal static class ArrayCreation
{
    // A round fails only if another process creates or deletes the name during it.
    private const int MaxCreateOrAttachRounds = 1000;

    // The name in /proc/PID/maps; see memfd_create(2).
    private const string AnonymousLabel = "posixshm";

    private static readonly SharedArrayOptions s_defaults = new();
    private static readonly AttachOptions s_cautious = new();

    public static AttachedArray Create(ArrayRequest request) => Create(SegmentName.Parse(request.Name, "name"), request);

    /// <summary>Creates an array that has its control page before its name.</summary>
    public static AttachedArray CreateWithPage(ArrayRequest request)
        => Create(SegmentName.Parse(request.Name, "name"), request, hasPage: true);

    public static AttachedArray CreateOrAttach(ArrayRequest request)
    {
        SegmentName segment = SegmentName.Parse(request.Name, "name");
        for (int round = 0; round < MaxCreateOrAttachRounds; round++)
        {
            if (Path.Exists(segment.Path) && TryAttach(segment, request) is AttachedArray attached)
            {
                return attached;
            }

            try
            {
                return Create(segment, request);
            }
            catch (SharedArrayExistsException error) when (error.Name == segment.Value)
            {
                // Another process created the array first. The next round attaches it, unless it was deleted again.
            }
        }

        throw new IOException($"Other processes created and deleted '{segment}' {MaxCreateOrAttachRounds} times during the call.");
    }

    public static AttachedArray CreateAnonymous(ArrayRequest request)
    {
        SharedArrayOptions options = request.Options ?? s_defaults;
        return AttachedArray.CreateAnonymous(
            AnonymousLabel, Describe(request, options, hasPage: true), options.ToSegmentOptions(), options.PagePolicy, request.Fill);
    }

    public static AttachedArray Replace(ArrayRequest request)
    {
        using SegmentFile old = OpenReplaced(request, out ArrayHeader header, out long size);
        _ = ArrayReader.TryFindPage(old, header, size, out PagePlace page);
        return Replace(old, request, request.Options ?? OptionsOf(header, page));
    }

    public static AttachedArray Resize(ArrayRequest request)
    {
        ArgumentNullException.ThrowIfNull(request.Shape);
        SegmentFile file = OpenReplaced(request, out ArrayHeader header, out long size);
        AttachedArray? old = null;
        try
        {
            AttachedArray.CheckType(file.Name, header, request.Type);
            old = AttachedArray.Map(file, header, size, SegmentAccess.ReadOnly, PagePolicy.Never);
            long bytes = Math.Min(header.DataLength, NewArray.CheckShape(header.Type, request.Shape, "shape"));
            return Replace(file, request with { Fill = ArrayFillers.Copy(old, bytes) }, OptionsOf(header, old.Page));
        }
        finally
        {
            old?.Segment.Release();
            file.Dispose();
        }
    }

    private static AttachedArray Create(SegmentName segment, ArrayRequest request, bool hasPage = false)
    {
        if (segment.Kind == SegmentKind.Descriptor)
        {
            throw new ArgumentException($"'{segment}' is a descriptor. CreateAnonymous creates an array with a descriptor.", "name");
        }

        SharedArrayOptions options = request.Options ?? s_defaults;
        return AttachedArray.Create(
            segment, Describe(request, options, hasPage), options.ToSegmentOptions(), options.PagePolicy, request.Fill);
    }

    private static AttachedArray Replace(SegmentFile old, ArrayRequest request, SharedArrayOptions options)
        => AttachedArray.Replace(
            old.Name, Describe(request, options), options.ToSegmentOptions(), new(old, SignalReplaced), options.PagePolicy, request.Fill);

    private static NewArray Describe(ArrayRequest request, SharedArrayOptions options, bool hasPage = false)
        => NewArray.Create(options.Layout, request.Type, request.Shape, options.Locks, hasPage, "shape", options.Alignment);

    private static AttachedArray? TryAttach(SegmentName segment, ArrayRequest request)
    {
        AttachOptions options = request.Existing ?? s_cautious;
        AttachedArray array;
        try
        {
            array = AttachedArray.Attach(segment, request.Type, SegmentAccess.ReadWrite, options.ToAttachPolicy(), options.ToPagePolicy());
        }
        catch (FileNotFoundException)
        {
            return null;
        }

        ReadOnlySpan<long> shape = array.Header.Shape.AsSpan();
        if (shape.SequenceEqual(request.Shape))
        {
            return array;
        }

        array.Segment.Release();
        throw new InvalidDataException(
            $"'{segment}' has the shape {ShapeText.Of(shape)}, not {ShapeText.Of(request.Shape)}: delete it first, or use another name.");
    }

    // Opens the old file, which stays open until the new array has the name: owner, permissions and elements are then copied from one file,
    // even if the name is replaced meanwhile.
    private static SegmentFile OpenReplaced(ArrayRequest request, out ArrayHeader header, out long size)
    {
        SegmentName name = SegmentName.Parse(request.Name, "name");
        if (name.Kind == SegmentKind.Descriptor)
        {
            throw new ArgumentException($"'{name}' is a descriptor, so no name refers to the array and it cannot be replaced.", "name");
        }

        AttachPolicy attachPolicy = (request.Existing ?? s_cautious).ToAttachPolicy() with { FollowLinks = false };
        SegmentFile file = SegmentFile.Open(name, SegmentAccess.ReadOnly, attachPolicy, out Native.Interop.Probe probe);
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

    // Wakes the readers that sleep until the replaced array changes or has a new frame, because writers use only the new one.
    private static void SignalReplaced(SegmentFile replaced)
    {
        try
        {
            long size = replaced.GetStatus().Size;
            AttachedArray old = AttachedArray.Map(
                replaced, ArrayReader.Read(replaced.Name, replaced, size), size, SegmentAccess.ReadWrite, PagePolicy.InArrayDirectory);
            try
            {
                // If the control page does not exist, no thread sleeps on it.
                if (old.Policy != PagePolicy.Never && new AttachedPage(old) is { IsFound: true } page)
                {
                    _ = new ChangeCounter(page).Signal();
                    new FrameWords(page.Address + ControlPage.FramesOffset).Wake(always: true);
                }
            }
            finally
            {
                old.Segment.Release();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException
            or InvalidDataException or InvalidOperationException)
        {
            // The array is replaced even if this process may not write the old file, or the old memory is lost.
        }
    }

    private static SharedArrayOptions OptionsOf(ArrayHeader old, PagePlace page) => new()
    {
        Layout = old.Layout,
        Locks = page.LockCount,
        Alignment = old.DataOffset % SharedArrayOptions.MaxAlignment == 0 ? SharedArrayOptions.MaxAlignment : NpyHeader.Alignment,
    };
}
