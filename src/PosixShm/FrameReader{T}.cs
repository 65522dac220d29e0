using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using PosixShm.Synchronization;

namespace PosixShm;

/// <summary>A reader of a stream of frames, with a position of its own. One thread at a time uses it.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <remarks><para>A reader stores nothing in shared memory but a mark that it sleeps, so it needs no disposal, and its death has no effect.
/// All members end with an <see cref="ObjectDisposedException"/> if the stream is disposed; a wait notices that within 50 ms.</para>
/// <para>The writer does not wait for readers. It may overwrite a frame while a reader works on it. Each member checks that after the work:
/// a frame that was overwritten is not returned, and counts as missed.</para></remarks>
public sealed partial class FrameReader<T>
    where T : unmanaged
{
    // A writer that overtakes so many copies one after the other is not a stream's.
    private const int MaxTries = 1000;

    [SuppressMessage("Usage", "CA2213", Justification = "The stream belongs to the object that opened the reader.")]
    private readonly FrameStream _stream;
    private FramePosition _position;

    internal FrameReader(FrameStream stream, ulong first)
    {
        _stream = stream;
        _position = new FramePosition(first);
    }

    /// <summary>Gets the number of the last frame that this reader received; 0 if it has received no frame.</summary>
    public long LastNumber => unchecked((long)_position.Last);

    /// <summary>Gets the number of frames that this reader passed and did not receive: they were overwritten before or while it read them,
    /// or skipped by a read of the newest frame. Received + missed = passed.</summary>
    public long TotalMissed => _position.Missed;

    /// <summary>Copies the newest frame, also if it was read before. Frames between the last one and this one count as missed.</summary>
    /// <param name="copy">The destination, of at least the length of a frame.</param>
    /// <param name="number">The number of the frame; 0 without a frame.</param>
    /// <returns><see langword="false"/> if there is no frame yet, or if the writer overwrote 1,000 frames one after the other during their
    /// copies. The destination is then undefined.</returns>
    /// <exception cref="ArgumentException">The destination is shorter than a frame.</exception>
    /// <exception cref="InvalidOperationException">Other bytes than a control page follow the elements of the array.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public bool TryReadNewest(Span<T> copy, out long number)
    {
        FrameView.CheckDestination(_stream, copy.Length, nameof(copy));
        using AttachedPage.Use mapped = _stream.Page.Using();
        FrameCopy<T> consumer = new(copy);
        for (int tries = 0; tries < MaxTries && _stream.Head() is ulong frame and not 0; tries++)
        {
            if (TryConsume(ref consumer, frame))
            {
                number = unchecked((long)frame);
                return true;
            }
        }

        number = 0;
        return false;
    }

    /// <summary>Calls a function on the newest frame in place, without a copy, also if the frame was read before.</summary>
    /// <typeparam name="TState">The type of the state.</typeparam>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="state">A value for the function.</param>
    /// <param name="use">The function. The writer may overwrite the frame during the call, so the function must bear any bytes, and have no
    /// other effect than its result. Its span must not be used after it returns. An exception of it reaches the caller, and the frame is
    /// not read.</param>
    /// <param name="result">The result of the function; the default value if the frame was overwritten.</param>
    /// <returns><see langword="false"/> if there is no frame yet, or if the frame was overwritten; then it counts as missed.</returns>
    /// <exception cref="ArgumentNullException">The function is null.</exception>
    /// <exception cref="InvalidOperationException">A frame has more than <see cref="int.MaxValue"/> elements, or other bytes than a control
    /// page follow the elements of the array.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, or another program saved over its file.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public bool TryUseNewest<TState, TResult>(
        TState state, Func<ReadOnlySpan<T>, TState, TResult> use, [MaybeNullWhen(false)] out TResult result)
    {
        ArgumentNullException.ThrowIfNull(use);
        _ = FrameView.SpanLength(_stream);
        using AttachedPage.Use mapped = _stream.Page.Using();
        FrameUse<T, TState, TResult> consumer = new(state, use);
        bool isWhole = _stream.Head() is ulong frame and not 0 && TryConsume(ref consumer, frame);
        result = isWhole ? consumer.Result : default;
        return isWhole;
    }

    /// <summary>Calls a function on the newest frame in place, as a tensor of the frame's shape and of any size.</summary>
    /// <inheritdoc cref="TryUseNewest{TState, TResult}(TState, Func{ReadOnlySpan{T}, TState, TResult}, out TResult)"/>
    public bool TryUseNewestTensor<TState, TResult>(
        TState state, Func<ReadOnlyTensorSpan<T>, TState, TResult> use, [MaybeNullWhen(false)] out TResult result)
    {
        ArgumentNullException.ThrowIfNull(use);
        using AttachedPage.Use mapped = _stream.Page.Using();
        FrameTensorUse<T, TState, TResult> consumer = new(state, use);
        bool isWhole = _stream.Head() is ulong frame and not 0 && TryConsume(ref consumer, frame);
        result = isWhole ? consumer.Result : default;
        return isWhole;
    }

    /// <summary>Copies the next frame in order, and waits for it if it is not there yet. A reader that the writer has overtaken goes on
    /// with a newer frame, and counts the ones between as missed.</summary>
    /// <param name="copy">The destination, of at least the length of a frame.</param>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <param name="info">The number of the frame, and the number of frames that were missed before it.</param>
    /// <returns>Whether a frame was copied. The destination is undefined otherwise.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted; noticed within 50 ms.</exception>
    /// <inheritdoc cref="TryReadNewest"/>
    public FrameStatus ReadNext(Span<T> copy, TimeSpan timeout, CancellationToken cancellation, out FrameInfo info)
    {
        FrameView.CheckDestination(_stream, copy.Length, nameof(copy));
        FrameCopy<T> consumer = new(copy);
        return ConsumeNext(ref consumer, timeout, cancellation, out info);
    }

    /// <inheritdoc cref="ReadNext(Span{T}, TimeSpan, CancellationToken, out FrameInfo)"/>
    public FrameStatus ReadNext(Span<T> copy, TimeSpan timeout, out FrameInfo info)
        => ReadNext(copy, timeout, CancellationToken.None, out info);

    /// <summary>Calls a function on the next frame in place, without a copy, and waits for it if it is not there yet. If the frame is
    /// overwritten during the call, the function is called for a newer one.</summary>
    /// <typeparam name="TState">The type of the state.</typeparam>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="state">A value for the function.</param>
    /// <param name="use">The function. The writer may overwrite the frame during the call, so the function must bear any bytes, and have no
    /// other effect than its result. Its span must not be used after it returns. An exception of it reaches the caller, and the frame is
    /// not read.</param>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <param name="result">The result of the function; the default value without a frame.</param>
    /// <param name="info">The number of the frame, and the number of frames that were missed before it.</param>
    /// <returns>Whether there is a result.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted; noticed within 50 ms.</exception>
    /// <inheritdoc cref="TryUseNewest"/>
    public FrameStatus UseNext<TState, TResult>(
        TState state,
        Func<ReadOnlySpan<T>, TState, TResult> use,
        TimeSpan timeout,
        CancellationToken cancellation,
        out TResult? result,
        out FrameInfo info)
    {
        ArgumentNullException.ThrowIfNull(use);
        _ = FrameView.SpanLength(_stream);
        FrameUse<T, TState, TResult> consumer = new(state, use);
        FrameStatus status = ConsumeNext(ref consumer, timeout, cancellation, out info);
        result = status == FrameStatus.Frame ? consumer.Result : default;
        return status;
    }

    private FrameStatus ConsumeNext<TConsumer>(
        ref TConsumer consumer, TimeSpan timeout, CancellationToken cancellation, out FrameInfo info)
        where TConsumer : struct, IFrameConsumer, allows ref struct
    {
        WaitTime time = new(TimeLimit.InMilliseconds(timeout, nameof(timeout)), cancellation);
        using AttachedPage.Use mapped = _stream.Page.Using();
        info = default;
        while (true)
        {
            FrameArrival arrival = new(_stream, _position.Next);
            if (!WaitLoop.Run(ref arrival, ref time))
            {
                return FrameStatus.TimedOut;
            }

            if (arrival.IsGone)
            {
                return FrameStatus.Gone;
            }

            if (TryConsumeNext(ref consumer, out info))
            {
                return FrameStatus.Frame;
            }

            // Overtaken during the work: a wait would not check the time, because the next frame is there.
            if (time.IsCheckDue() && time.IsOver)
            {
                return FrameStatus.TimedOut;
            }
        }
    }

    // Works on the next frame, which has arrived. False if it was overwritten during the work.
    private bool TryConsumeNext<TConsumer>(ref TConsumer consumer, out FrameInfo info)
        where TConsumer : struct, IFrameConsumer, allows ref struct
    {
        _position.PassOverwritten(_stream.Head(), _stream.Words.Reserved, _stream.Slots);
        bool isWhole = TryConsume(ref consumer, _position.Next);
        info = isWhole ? new FrameInfo(LastNumber, _position.TakeMissed()) : default;
        return isWhole;
    }

    // The check follows the last load from the frame: docs/FORMAT.md, "Streams of frames".
    private bool TryConsume<TConsumer>(ref TConsumer consumer, ulong frame)
        where TConsumer : struct, IFrameConsumer, allows ref struct
    {
        consumer.Consume(_stream, frame);
        bool isWhole = _stream.IsIntact(frame);
        _position.Pass(frame, isWhole);
        return isWhole;
    }
}
