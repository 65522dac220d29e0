using System.Collections.Immutable;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>A stream of frames in one attachment of its array: the words in the control page, and the slots, which are the array's rows.
/// Zero is the initial value of the words, so a stream without a page has no frame and no writer.</summary>
internal sealed unsafe partial class FrameStream : IDisposable
{
    /// <summary>The fewest slots. A reader has slots - 2 whole periods of the writer for its work, and with none, a writer without pauses
    /// starves it.</summary>
    public const int MinSlots = 3;

    private readonly AttachedArray _array;
    private readonly Gate _gate = new();
    private FrameWriting? _writing;
    private int _isDisposed;

    private FrameStream(AttachedArray array)
    {
        _array = array;
        Slots = (ulong)array.Header.Shape[0];
        FrameShape = array.Header.Shape[1..];
        FrameLength = array.Header.Length / array.Header.Shape[0];
        Page = new AttachedPage(array);
        Words = new FrameWords(Page.Address + ControlPage.FramesOffset);
    }

    public SegmentName Name => _array.Segment.Name;

    /// <summary>Gets the number of slots.</summary>
    public ulong Slots { get; }

    /// <summary>Gets the length of each dimension of a frame.</summary>
    public ImmutableArray<long> FrameShape { get; }

    /// <summary>Gets the number of elements of a frame.</summary>
    public long FrameLength { get; }

    /// <summary>Gets the bytes of a frame.</summary>
    public long FrameBytes => FrameLength * _array.Header.Type.Size;

    public AttachedPage Page { get; }

    /// <summary>Gets the words, which may be touched only if the page was found.</summary>
    public FrameWords Words { get; }

    /// <summary>Gets whether the array has the name, and is unchanged apart from its elements. Makes system calls.</summary>
    public bool IsCurrent
    {
        get
        {
            using AttachedPage.Use use = Page.Using();
            return _array.IsCurrent() && !Page.IsOverwritten;
        }
    }

    /// <summary>Becomes the owner of an attached array, and releases it if it cannot be a stream.</summary>
    /// <exception cref="InvalidDataException">The shape of the array is not a stream's.</exception>
    /// <exception cref="InvalidOperationException">The array cannot have a control page, for the reason in the message.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    public static FrameStream Of(AttachedArray array)
    {
        try
        {
            ReadOnlySpan<long> shape = array.Header.Shape.AsSpan();
            if (shape.IsEmpty || shape[0] < MinSlots || array.Header.IsFortranOrder)
            {
                string order = array.Header.IsFortranOrder ? " in Fortran order" : string.Empty;
                throw new InvalidDataException(
                    $"'{array.Segment.Name}' has the shape {ShapeText.Of(shape)}{order}, and is not a stream of frames: its first "
                    + $"dimension is the number of slots, at least {MinSlots}, in C order.");
            }

            return array.Policy == PagePolicy.Never
                ? throw new InvalidOperationException(
                    $"'{array.Segment.Name}' cannot be a stream of frames, because its file has no place for a control page: Python's "
                    + "SharedArray package created it. Create it with SharedFrames.Create.")
                : new FrameStream(array);
        }
        catch
        {
            array.Segment.Release();
            throw;
        }
    }

    /// <summary>Gets the newest whole frame; 0: no frame. "head" is read first: if the page is intact after that, the value was
    /// "head".</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    public ulong Head()
    {
        ulong head = Page.TryFind() ? Words.Head : 0;
        Page.ThrowIfLost();
        return head;
    }

    /// <summary>Gets the address of a frame's slot. It lies in the array for every number, also for one that another program
    /// wrote.</summary>
    public byte* Slot(ulong frame) => (byte*)_array.Data + ((nint)(frame % Slots) * (nint)FrameBytes);

    /// <summary>Returns whether a frame is whole until now, after the last load from its slot. The page is checked after that: a file that
    /// was truncated or saved over has lost its page, too.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    public bool IsIntact(ulong frame)
    {
        bool isWhole = Words.IsWhole(frame, Slots);
        Page.ThrowIfLost();
        return isWhole;
    }

    /// <summary>Returns whether the stream has a living writer. Makes a system call.</summary>
    public bool HasWriter()
    {
        using AttachedPage.Use use = Page.Using();
        int owner = Page.TryFind() ? Words.Owner : 0;
        Page.ThrowIfLost();
        return owner != 0 && Page.Locks.Owners.IsAlive(owner);
    }

    /// <summary>Returns whether the file has lost its name, so that the next writer will not use it. Makes a system call. The file of an
    /// array without a name has no link from the start.</summary>
    public bool IsGone() => Name.Kind != SegmentKind.Descriptor && _array.Segment.Status.Links == 0;

    /// <summary>Becomes the stream's writer.</summary>
    /// <exception cref="IOException">Another writer lives, 448 attachments use the control page, or there is no space for it.</exception>
    /// <exception cref="InvalidDataException">The words are not a stream's.</exception>
    public FrameWriting OpenWriting(bool alwaysWakes)
    {
        using AttachedPage.Use use = Page.Using();
        using (_gate.Enter())
        {
            Page.ThrowIfDetached();
            return _writing = FrameWriting.Open(this, _array.Segment, alwaysWakes);
        }
    }

    /// <summary>Detaches. An open slot of the writer keeps the memory mapped until it ends.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            Page.RemoveUser();
            using (_gate.Enter())
            {
                _writing?.Close();
            }

            _array.Segment.Release();
        }
    }
}
