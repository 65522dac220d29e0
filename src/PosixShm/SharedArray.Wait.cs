using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Names;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Attachment of arrays that do not exist yet.</content>
public abstract partial class SharedArray
{
    /// <summary>Attaches an array to read and to write, and waits for its creator if it does not exist yet.</summary>
    /// <typeparam name="T">The element type it is created with.</typeparam>
    /// <param name="name">The name it is created with.</param>
    /// <param name="timeout">How long to wait; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="options">What is acceptable.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <remarks>
    /// The kernel wakes the caller when the name appears or its file changes (<c>inotify(7)</c>); nothing is polled. A file that is not an array, or not whole, is
    /// waited for, because its creator may still write it. An array of another element type is refused at once.
    /// </remarks>
    /// <exception cref="TimeoutException">The time is over. The inner exception is that of the last attempt.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time-out is negative or longer than <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <exception cref="FileNotFoundException">The directory does not exist, or was deleted during the wait.</exception>
    /// <exception cref="InvalidDataException">It is an array of another element type, or one whose elements are not aligned. Nothing was mapped.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, such as that of inotify watches.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedArray<T> Attach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => WaitFor(name, timeout, () => Attach<T>(name, options), cancellation);

    /// <summary>Attaches an array to read only, and waits for its creator if it does not exist yet.</summary>
    /// <exception cref="UnauthorizedAccessException">This user may not read it, or it belongs to another user.</exception>
    /// <inheritdoc cref="Attach{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static ReadOnlySharedArray<T> AttachReadOnly<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => WaitFor(name, timeout, () => AttachReadOnly<T>(name, options), cancellation);

    /// <summary>Attaches an array to read and to write, and waits for its creator if it does not exist yet. A thread of its own waits, and none of the thread pool.</summary>
    /// <inheritdoc cref="Attach{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static Task<SharedArray<T>> AttachAsync<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => Task.Factory.StartNew(
            () => Attach<T>(name, timeout, options, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Attaches an array to read only, and waits for its creator if it does not exist yet. A thread of its own waits, and none of the thread pool.</summary>
    /// <inheritdoc cref="AttachReadOnly{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static Task<ReadOnlySharedArray<T>> AttachReadOnlyAsync<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => Task.Factory.StartNew(
            () => AttachReadOnly<T>(name, timeout, options, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static TArray WaitFor<TArray>(string name, TimeSpan timeout, Func<TArray> attach, CancellationToken cancellation)
    {
        int milliseconds = TimeLimit.InMilliseconds(timeout, nameof(timeout));
        SegmentName segment = SegmentName.Parse(name, nameof(name));
        using NameWatch watch = new(segment, milliseconds, cancellation);
        bool isArray = false;
        while (true)
        {
            Exception last;
            try
            {
                return attach();
            }
            catch (FileNotFoundException error) when (segment.Kind != SegmentKind.Descriptor && Directory.Exists(segment.Folder))
            {
                (last, isArray) = (error, false);
            }
            catch (InvalidDataException error) when (!isArray)
            {
                // A whole array is refused for good, unless it became whole since the attempt: then the next attempt succeeds.
                (last, isArray) = (error, ArrayCatalog.Exists(segment));
            }

            if (!isArray && !watch.Wait())
            {
                throw new TimeoutException($"'{name}' was not there to attach within {milliseconds} ms.", last);
            }
        }
    }
}
