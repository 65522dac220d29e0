using System.Buffers;
using PosixShm.Arrays;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Snapshots of all elements: publishing.</content>
public sealed unsafe partial class SharedArray<T>
{
    /// <summary>Replaces all elements, so that <see cref="TypedSharedArray{T}.ReadSnapshot"/> returns all of the new ones or all of the old
    /// ones, in every process. Signals one change (<see cref="UntypedSharedArray.ChangeCounter"/>) at the end.</summary>
    /// <param name="elements">The elements, in C order; as many as the array has.</param>
    /// <returns>The number of this publication, which readers get as its sequence.</returns>
    /// <remarks><para>The array has one writer at a time, and any number of readers, who take no lock and never delay the writer. The call
    /// also repairs an array whose last writer died.</para>
    /// <para>Only readers of snapshots are protected, and only from writers that publish: an indexer, a span and numpy see and store
    /// elements at any time. An array of more than <see cref="int.MaxValue"/> elements is larger than a span and cannot be published: give
    /// it a larger element type, or divide it into several arrays.</para></remarks>
    /// <exception cref="ArgumentException">The span does not have as many elements as the array.</exception>
    /// <exception cref="InvalidOperationException">Another thread or process is publishing. Or the array is a private copy, or cannot have
    /// a control page, for the reason in the message; see <see cref="UntypedSharedArray.Lock"/>.</exception>
    /// <exception cref="IOException">There is no space for the control page, or all slots of the array are in use.</exception>
    /// <exception cref="InvalidDataException">Another process overwrote the snapshot's word during the call.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public ulong Publish(ReadOnlySpan<T> elements)
    {
        CheckWhole(elements.Length, nameof(elements));
        using Use use = new(this);
        byte* data = use.Data;
        use.ThrowIfCut();
        using SnapshotPublication publication = SnapshotPublication.Begin(Page, overwritesAll: true);
        fixed (T* from = elements)
        {
            ThrowIfLost(ElementCopy.In(Header, sizeof(T), data, 0, (byte*)from, elements.Length, use.Segment.Lost));
        }

        return publication.Complete();
    }

    /// <summary>Replaces all elements in place, by a callback, as one publication.</summary>
    /// <typeparam name="TState">The type of the state.</typeparam>
    /// <param name="state">The argument of the callback.</param>
    /// <param name="fill">The callback, which stores every element of the span. It must not keep elements: after a writer that died, they
    /// are half changed. To keep some, use <see cref="UpdateSnapshot"/>. If it throws, the publication is abandoned as if the writer had
    /// died, and its exception is passed on.</param>
    /// <exception cref="ArgumentNullException">The callback is null.</exception>
    /// <exception cref="InvalidOperationException">Another thread or process is publishing. Or the array is a private copy, or in Fortran
    /// order, or has more than <see cref="int.MaxValue"/> elements, or cannot have a control page, for the reason in the message; see
    /// <see cref="UntypedSharedArray.Lock"/>.</exception>
    /// <inheritdoc cref="Publish(ReadOnlySpan{T})"/>
    public ulong Publish<TState>(TState state, SpanAction<T, TState> fill)
        where TState : allows ref struct
    {
        ArgumentNullException.ThrowIfNull(fill);
        return Publish(state, fill, overwritesAll: true);
    }

    /// <summary>Changes some elements in place, by a callback, as one publication.</summary>
    /// <typeparam name="TState">The type of the state.</typeparam>
    /// <param name="state">The argument of the callback.</param>
    /// <param name="change">The callback, which gets all elements as the last publication left them. If it throws, the publication is
    /// abandoned as if the writer had died, and its exception is passed on.</param>
    /// <exception cref="AbandonedMutexException">The writer of the last publication died, or its callback threw, so the elements are half
    /// changed. Nothing was stored. <see cref="Publish(ReadOnlySpan{T})"/> repairs the array.</exception>
    /// <inheritdoc cref="Publish{TState}(TState, SpanAction{T, TState})"/>
    public ulong UpdateSnapshot<TState>(TState state, SpanAction<T, TState> change)
        where TState : allows ref struct
    {
        ArgumentNullException.ThrowIfNull(change);
        return Publish(state, change, overwritesAll: false);
    }

    private ulong Publish<TState>(TState state, SpanAction<T, TState> store, bool overwritesAll)
        where TState : allows ref struct
    {
        using Use use = new(this);
        Span<T> elements = SpanOf();
        use.ThrowIfCut();
        using SnapshotPublication publication = SnapshotPublication.Begin(Page, overwritesAll);
        store(elements, state);
        ThrowIfLost();
        return publication.Complete();
    }
}
