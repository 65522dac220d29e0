using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Snapshots of all elements: reading.</content>
public abstract unsafe partial class TypedSharedArray<T>
{
    /// <summary>Copies all elements as one publication (<see cref="SharedArray{T}.Publish(ReadOnlySpan{T})"/>) stored them, without a wait.
    /// Elements of two publications are never mixed unnoticed.</summary>
    /// <param name="copy">The memory for the elements, in C order; as many as the array has. It has no meaning unless the call returned
    /// <see langword="true"/>.</param>
    /// <param name="sequence">The number of the publication: 0 before the first one, then 1 and so on. The numbers of incomplete
    /// publications are skipped. It wraps after 2^33.</param>
    /// <returns><see langword="false"/> if the copy is not whole: a writer was storing at each of 128 loads of the word. Or a writer stored
    /// during each of up to 16 copies; of an array above 1 MiB, two copies.</returns>
    /// <remarks>The call takes no lock, stores nothing in shared memory, and so works through a read-only attachment. Through a private
    /// copy (<see cref="SharedArray.AttachCopyOnWrite{T}(string, AttachOptions)"/>) it reads the elements that all processes share, from a
    /// second mapping, and not those that the copy has changed.</remarks>
    /// <exception cref="ArgumentException">The span does not have as many elements as the array.</exception>
    /// <exception cref="AbandonedMutexException">The writer died, or its callback threw, before the last publication was complete: no
    /// snapshot exists until the next <see cref="SharedArray{T}.Publish(ReadOnlySpan{T})"/>.</exception>
    /// <exception cref="InvalidOperationException">This thread is publishing the array by the same attachment: the call is in a callback.
    /// Or the array cannot have a control page, for the reason in the message; see <see cref="UntypedSharedArray.Lock"/>.</exception>
    /// <exception cref="IOException">The array is a private copy, and a limit of the process was reached.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public bool TryReadSnapshot(Span<T> copy, out ulong sequence)
        => TryReadSnapshot(copy, 0, out sequence, CancellationToken.None);

    /// <summary>Copies all elements as one publication stored them. Waits while a writer stores.</summary>
    /// <param name="copy">The memory for the elements, in C order; as many as the array has. It has no meaning if the call throws.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms, or after the copy that is under way.</param>
    /// <returns>The number of the publication, as <see cref="TryReadSnapshot(Span{T}, out ulong)"/> has it.</returns>
    /// <remarks><para>The reader needs a moment without stores that is as long as its copy. A writer that never pauses can keep readers of
    /// a large array out for ever; a time limit notices that.</para>
    /// <para>The call returns at once if no writer is storing, also if the publication was read before. To wait for the next one, see
    /// <see cref="UntypedSharedArray.ChangeCounter"/>: each publication signals one change.</para></remarks>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted during the wait.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed, before the wait or during it; noticed within 50 ms.</exception>
    /// <inheritdoc cref="TryReadSnapshot(Span{T}, out ulong)"/>
    public ulong ReadSnapshot(Span<T> copy, CancellationToken cancellation = default)
    {
        _ = TryReadSnapshot(copy, Timeout.Infinite, out ulong sequence, cancellation);
        return sequence;
    }

    /// <summary>Copies all elements as one publication stored them. Waits up to a time limit while a writer stores.</summary>
    /// <param name="copy">The memory for the elements, in C order; as many as the array has. It has no meaning unless the call returned
    /// <see langword="true"/>.</param>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="sequence">The number of the publication, as <see cref="TryReadSnapshot(Span{T}, out ulong)"/> has it.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms, or after the copy that is under way.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <inheritdoc cref="ReadSnapshot"/>
    public bool TryReadSnapshot(Span<T> copy, TimeSpan timeout, out ulong sequence, CancellationToken cancellation = default)
        => TryReadSnapshot(copy, TimeLimit.InMilliseconds(timeout, nameof(timeout)), out sequence, cancellation);

    private bool TryReadSnapshot(Span<T> copy, int milliseconds, out ulong sequence, CancellationToken cancellation)
    {
        CheckWhole(copy.Length, nameof(copy));
        fixed (T* to = copy)
        {
            return TryReadSnapshot((void*)to, milliseconds, out sequence, cancellation);
        }
    }

    /// <summary>Throws unless a span has as many elements as the array.</summary>
    private protected void CheckWhole(int length, string parameter)
    {
        if (length != Length)
        {
            ThrowIfDetached();
            throw new ArgumentException($"'{Name}' has {Length} elements, and the span {length}. A snapshot has all elements.", parameter);
        }
    }
}
