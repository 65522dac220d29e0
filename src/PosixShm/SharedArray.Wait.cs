using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Names;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Attachment of arrays that may not exist yet.</content>
public static partial class SharedArray
{
    /// <summary>Attaches an array of <see cref="double"/>, and waits for its creator if it does not exist yet.</summary>
    /// <inheritdoc cref="Attach{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static SharedArray<double> Attach(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        => WaitFor(name, timeout, () => Attach<double>(name, options), cancellation);

    /// <summary>Attaches an array for reading and writing, and waits for its creator if it does not exist yet.</summary>
    /// <param name="name">The name of the array.</param>
    /// <param name="timeout">The longest wait, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="options">The acceptable owners and links; the defaults if null.</param>
    /// <param name="cancellation">The token that ends the wait.</param>
    /// <remarks>The kernel wakes the caller when the name appears or its file changes (<c>inotify(7)</c>); nothing is polled. The wait goes
    /// on while the file is incomplete, because its creator may still write it. It ends at once if the array has another element
    /// type.</remarks>
    /// <exception cref="TimeoutException">The array did not exist, or was incomplete, until the time-out. The inner exception is that of
    /// the last attempt.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time-out is negative or longer than <see cref="int.MaxValue"/>
    /// milliseconds.</exception>
    /// <exception cref="FileNotFoundException">The directory does not exist, or was deleted during the wait.</exception>
    /// <exception cref="InvalidDataException">The array has another element type, or elements that are not aligned. Nothing was
    /// mapped.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, such as that of inotify watches.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedArray<T> Attach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => WaitFor(name, timeout, () => Attach<T>(name, options), cancellation);

    /// <summary>Attaches an array read-only, and waits for its creator if it does not exist yet.</summary>
    /// <inheritdoc cref="Attach{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static ReadOnlySharedArray<T> AttachReadOnly<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => WaitFor(name, timeout, () => AttachReadOnly<T>(name, options), cancellation);

    /// <summary>Attaches a private copy of an array, and waits for its creator if it does not exist yet.</summary>
    /// <inheritdoc cref="Attach{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static SharedArray<T> AttachCopyOnWrite<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => WaitFor(name, timeout, () => AttachCopyOnWrite<T>(name, options), cancellation);

    /// <summary>Attaches an array whose element type is known only at run time, and waits for its creator if it does not exist
    /// yet.</summary>
    /// <inheritdoc cref="Attach{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static UntypedSharedArray AttachUntyped(
        string name, TimeSpan timeout, SharedArrayAccess access = SharedArrayAccess.ReadWrite, AttachOptions? options = null,
        CancellationToken cancellation = default)
        => WaitFor(name, timeout, () => AttachUntyped(name, access, options), cancellation);

    /// <summary>Attaches an array of <see cref="double"/>, and waits for its creator if it does not exist yet.</summary>
    /// <inheritdoc cref="AttachAsync{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static Task<SharedArray<double>> AttachAsync(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        => OnOwnThread(() => Attach<double>(name, timeout, options, cancellation), cancellation);

    /// <returns>The task of the attachment. A dedicated thread waits, not a thread-pool thread.</returns>
    /// <inheritdoc cref="Attach{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static Task<SharedArray<T>> AttachAsync<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => OnOwnThread(() => Attach<T>(name, timeout, options, cancellation), cancellation);

    /// <summary>Attaches an array read-only, and waits for its creator if it does not exist yet.</summary>
    /// <inheritdoc cref="AttachAsync{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static Task<ReadOnlySharedArray<T>> AttachReadOnlyAsync<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => OnOwnThread(() => AttachReadOnly<T>(name, timeout, options, cancellation), cancellation);

    /// <summary>Attaches a private copy of an array, and waits for its creator if it does not exist yet.</summary>
    /// <inheritdoc cref="AttachAsync{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static Task<SharedArray<T>> AttachCopyOnWriteAsync<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, TimeSpan timeout, AttachOptions? options = null, CancellationToken cancellation = default)
        where T : unmanaged
        => OnOwnThread(() => AttachCopyOnWrite<T>(name, timeout, options, cancellation), cancellation);

    /// <summary>Attaches an array whose element type is known only at run time, and waits for its creator if it does not exist
    /// yet.</summary>
    /// <inheritdoc cref="AttachAsync{T}(string, TimeSpan, AttachOptions, CancellationToken)"/>
    public static Task<UntypedSharedArray> AttachUntypedAsync(
        string name, TimeSpan timeout, SharedArrayAccess access = SharedArrayAccess.ReadWrite, AttachOptions? options = null,
        CancellationToken cancellation = default)
        => OnOwnThread(() => AttachUntyped(name, timeout, access, options, cancellation), cancellation);

    /// <summary>Attaches an array of <see cref="double"/>, if it exists.</summary>
    /// <inheritdoc cref="TryAttach{T}(string, out SharedArray{T}, AttachOptions)"/>
    public static bool TryAttach(string name, [NotNullWhen(true)] out SharedArray<double>? array, AttachOptions? options = null)
        => Try(() => Attach<double>(name, options), out array);

    /// <summary>Attaches an array for reading and writing, if it exists.</summary>
    /// <param name="name">The name of the array.</param>
    /// <param name="array">The array, or null if it does not exist.</param>
    /// <param name="options">The acceptable owners and links; the defaults if null.</param>
    /// <returns><see langword="true"/> if the array exists; otherwise <see langword="false"/>. Every other failure is an
    /// exception.</returns>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static bool TryAttach<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, [NotNullWhen(true)] out SharedArray<T>? array, AttachOptions? options = null)
        where T : unmanaged
        => Try(() => Attach<T>(name, options), out array);

    /// <summary>Attaches an array read-only, if it exists.</summary>
    /// <inheritdoc cref="TryAttach{T}(string, out SharedArray{T}, AttachOptions)"/>
    public static bool TryAttachReadOnly<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, [NotNullWhen(true)] out ReadOnlySharedArray<T>? array, AttachOptions? options = null)
        where T : unmanaged
        => Try(() => AttachReadOnly<T>(name, options), out array);

    /// <summary>Attaches a private copy of an array, if it exists.</summary>
    /// <inheritdoc cref="TryAttach{T}(string, out SharedArray{T}, AttachOptions)"/>
    public static bool TryAttachCopyOnWrite<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>(
        string name, [NotNullWhen(true)] out SharedArray<T>? array, AttachOptions? options = null)
        where T : unmanaged
        => Try(() => AttachCopyOnWrite<T>(name, options), out array);

    /// <summary>Attaches an array whose element type is known only at run time, if it exists.</summary>
    /// <inheritdoc cref="TryAttach{T}(string, out SharedArray{T}, AttachOptions)"/>
    public static bool TryAttachUntyped(
        string name, [NotNullWhen(true)] out UntypedSharedArray? array, SharedArrayAccess access = SharedArrayAccess.ReadWrite,
        AttachOptions? options = null)
        => Try(() => AttachUntyped(name, access, options), out array);

    private static bool Try<TArray>(Func<TArray> attach, [NotNullWhen(true)] out TArray? array)
        where TArray : UntypedSharedArray
    {
        try
        {
            array = attach();
            return true;
        }
        catch (FileNotFoundException)
        {
            array = null;
            return false;
        }
    }

    private static Task<TArray> OnOwnThread<TArray>(Func<TArray> attach, CancellationToken cancellation)
        => Task.Factory.StartNew(attach, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

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
            catch (FileNotFoundException error) when (segment.Kind != SegmentKind.Descriptor && Directory.Exists(segment.Directory))
            {
                (last, isArray) = (error, false);
            }
            catch (InvalidDataException error) when (!isArray)
            {
                // A complete array that is refused has another element type, for good. But the file may have become complete since the
                // attempt: then one more attempt follows at once.
                (last, isArray) = (error, ArrayCatalog.Exists(segment));
            }

            if (!isArray && !watch.Wait())
            {
                throw new TimeoutException($"'{name}' did not exist, or was incomplete, for {milliseconds} ms.", last);
            }
        }
    }
}
