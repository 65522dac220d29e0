using System.Collections.Immutable;
using System.Diagnostics;
using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>A stream of frames in shared memory, attached to this process.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <remarks><para>One writer fills the slots in turn and overwrites the oldest frame, whether it was read or not, so no reader can stop
/// it. A reader copies a frame, or works on it in place, and then checks that the writer has not overwritten it meanwhile. A frame that was
/// overwritten is never returned as whole; it is counted as missed.</para>
/// <para>A writer that is killed leaves no half frame visible, and the next writer continues with the same number. A reader stores nothing
/// but the mark that it sleeps, so its death has no effect.</para>
/// <para>All members are thread-safe. A reader or a writer is used by one thread at a time.</para></remarks>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed class SharedFrames<T> : IDisposable
    where T : unmanaged
{
    private const long AlwaysWakesFrom = 64 << 10;

    private readonly FrameStream _stream;

    internal SharedFrames(FrameStream stream) => _stream = stream;

    /// <summary>Gets the name of the array in its shortest form.</summary>
    public string Name => _stream.Name.Value;

    /// <summary>Gets the number of slots: the first dimension of the array.</summary>
    public long Slots => (long)_stream.Slots;

    /// <summary>Gets the length of each dimension of a frame; empty for one element.</summary>
    public ImmutableArray<long> FrameShape => _stream.FrameShape;

    /// <summary>Gets the number of elements of a frame.</summary>
    public long FrameLength => _stream.FrameLength;

    /// <summary>Gets whether this attachment cannot write frames.</summary>
    public bool IsReadOnly => !_stream.Page.IsWritable;

    /// <inheritdoc cref="UntypedSharedArray.IsCurrent"/>
    public bool IsCurrent => _stream.IsCurrent;

    /// <summary>Gets the number of the newest whole frame; 0 if there is no frame.</summary>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public long NewestNumber
    {
        get
        {
            using AttachedPage.Use use = _stream.Page.Using();
            return unchecked((long)_stream.Head());
        }
    }

    /// <summary>Gets whether a living process, or this one, is the stream's writer. Each read of the property queries the kernel.</summary>
    /// <inheritdoc cref="NewestNumber"/>
    public bool HasWriter => _stream.HasWriter();

    private string DebuggerDisplay => $"{Name}: {Slots} slots";

    /// <summary>Becomes the stream's writer. A writer whose process has died is replaced, and its number is continued.</summary>
    /// <param name="wakeUp">When the writer makes the system call that wakes sleeping readers.</param>
    /// <returns>The writer. Disposing it lets another writer open the stream.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of the enumeration.</exception>
    /// <exception cref="InvalidOperationException">The stream is attached read-only, or its array cannot have a control page.</exception>
    /// <exception cref="InvalidDataException">The counters of the stream were overwritten by another program.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="IOException">Another writer lives, in this or another process; or 448 attachments already use the array's control
    /// page, or there is no space for it.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public FrameWriter<T> OpenWriter(FrameWakeUp wakeUp = FrameWakeUp.Automatic)
    {
        if (!Enum.IsDefined(wakeUp))
        {
            throw new ArgumentOutOfRangeException(nameof(wakeUp), wakeUp, "Use Automatic, IfMarked or Always.");
        }

        if (IsReadOnly)
        {
            throw new InvalidOperationException($"'{Name}' is attached to read only, and its frames cannot be written that way.");
        }

        bool alwaysWakes = wakeUp == FrameWakeUp.Always || (wakeUp == FrameWakeUp.Automatic && _stream.FrameBytes >= AlwaysWakesFrom);
        return new(_stream, _stream.OpenWriting(alwaysWakes));
    }

    /// <summary>Creates a reader, whose first frame is the newest one. Readers do not affect each other.</summary>
    /// <returns>The reader, which ends with the stream.</returns>
    /// <inheritdoc cref="NewestNumber"/>
    public FrameReader<T> OpenReader()
    {
        using AttachedPage.Use use = _stream.Page.Using();
        return new(_stream, Math.Max(_stream.Head(), 1));
    }

    /// <summary>Detaches the stream from this process, and ends its writer and readers. The array and its frames remain. If a slot is open
    /// on another thread, it can still be committed, and ends the writer.</summary>
    public void Dispose() => _stream.Dispose();
}
