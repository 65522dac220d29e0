using System.Runtime.CompilerServices;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Reading in order from asynchronous methods.</content>
public sealed partial class FrameReader<T>
{
    /// <summary>Copies the next frame in order, and waits for it without blocking a thread if it is not there yet. A reader that the writer
    /// has overtaken goes on with a newer frame, and counts the ones between as missed.</summary>
    /// <param name="copy">The destination, of at least the length of a frame. It is undefined until the task has ended.</param>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The number of the frame, and the number of frames that were missed before it; null if all frames were read and the array
    /// was deleted or replaced (<see cref="FrameStatus.Gone"/>).</returns>
    /// <remarks><para>Waiting threads of the library wait for all asynchronous waits together; see <see cref="SharedLock.EnterAsync"/>. A
    /// read-only reader checks every millisecond, as <see cref="ReadNext(Span{T}, TimeSpan, out FrameInfo)"/> does.</para>
    /// <para>One call at a time uses the reader.</para></remarks>
    /// <exception cref="ArgumentException">The destination is shorter than a frame.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="InvalidOperationException">Other bytes than a control page follow the elements of the array.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left for the wait.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed, before the wait or during it; noticed within 50 ms.</exception>
    public async ValueTask<FrameInfo?> ReadNextAsync(Memory<T> copy, CancellationToken cancellation = default)
    {
        FrameView.CheckDestination(_stream, copy.Length, nameof(copy));
        while (await _stream.WaitAsync(_position.Next, cancellation).ConfigureAwait(false))
        {
            if (TryCopyNext(copy.Span, out FrameInfo info))
            {
                return info;
            }

            // Overtaken during the copy: a wait would not check the token, because the next frame is there.
            cancellation.ThrowIfCancellationRequested();
        }

        return null;
    }

    /// <summary>Copies frame after frame in order, without blocking a thread: <c>await foreach</c>.</summary>
    /// <param name="copy">The destination of each frame, of at least the length of a frame.</param>
    /// <param name="cancellation">Ends the enumeration at once, by an exception.</param>
    /// <returns>The numbers of the frames. The sequence ends when all frames were read and the array was deleted or replaced.</returns>
    /// <inheritdoc cref="ReadNextAsync"/>
    public async IAsyncEnumerable<FrameInfo> ReadAllAsync(
        Memory<T> copy, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (await ReadNextAsync(copy, cancellation).ConfigureAwait(false) is FrameInfo info)
        {
            yield return info;
        }
    }

    private bool TryCopyNext(Span<T> copy, out FrameInfo info)
    {
        using AttachedPage.Use mapped = _stream.Page.Using();
        FrameCopy<T> consumer = new(copy);
        return TryConsumeNext(ref consumer, out info);
    }
}
