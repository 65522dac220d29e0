using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>Uses of the memory: references to the segment, checks that it is whole, and second arrays over it.</content>
public abstract unsafe partial class UntypedSharedArray
{
    /// <summary>Makes an array of a known element type over the same mapping.</summary>
    /// <typeparam name="T">The element type, which must be the array's.</typeparam>
    /// <returns>An array to be disposed by itself: the memory stays mapped until both are.</returns>
    /// <exception cref="InvalidDataException">The array has another element type, or its elements are not aligned.</exception>
    /// <exception cref="InvalidOperationException">The array is read-only: use <see cref="AsReadOnly{T}"/>.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedArray<T> As<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>()
        where T : unmanaged
    {
        CheckType(ElementTypes.Of<T>());
        return IsReadOnly
            ? throw new InvalidOperationException($"'{Name}' is attached to read only: use AsReadOnly<{typeof(T).Name}>().")
            : SharingLocks(new SharedArray<T>(_attached.Share()));
    }

    /// <summary>Makes a read-only array of a known element type over the same mapping.</summary>
    /// <exception cref="InvalidDataException">The array has another element type, or its elements are not aligned.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <inheritdoc cref="As{T}"/>
    public ReadOnlySharedArray<T> AsReadOnly<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>()
        where T : unmanaged
    {
        CheckType(ElementTypes.Of<T>());
        return ReadOnlyView<T>();
    }

    /// <summary>
    /// Detaches the array, as <see cref="Dispose"/> does, and deletes its name if nothing else uses it: no other process, and no other
    /// attachment or lease of this one.
    /// </summary>
    /// <returns>
    /// Whether this call deleted the name. Of several processes that all end their use in this way, at the same time or not, exactly one
    /// gets <see langword="true"/>.
    /// </returns>
    /// <remarks>
    /// Uses are those that <see cref="SharedArray.DeleteStale"/> respects. A use that begins meanwhile keeps the array, or finds that there
    /// is none. A name that is another array's by now is not deleted. An array without a name has none to delete. Nothing does this by
    /// itself: a process that is killed leaves the array, for others or for <see cref="SharedArray.DeleteStale"/>.
    /// </remarks>
    /// <exception cref="UnauthorizedAccessException">Nothing else uses the array, and this user may not delete it. It is
    /// detached.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached already.</exception>
    public bool DisposeAndDeleteIfUnused()
    {
        ThrowIfDetached();
        Segment segment = Segment;
        Native.Interop.Status status = segment.Status;
        Dispose();
        return segment.Name.Kind != SegmentKind.Descriptor
            && SegmentDirectory.TryRemoveUnused(segment.Name, status, new Lazy<MappedFiles>(MappedFiles.Read), Patience.ForMany);
    }

    private protected ReadOnlySharedArray<T> ReadOnlyView<T>()
        where T : unmanaged
    {
        ThrowIfDetached();
        return SharingLocks(new ReadOnlySharedArray<T>(_attached.Share()));
    }

    // Reports a loss since the last call: accesses between two calls cannot throw.
    private protected void ThrowIfLost()
    {
        if (_attached.Segment.IsLost)
        {
            throw SharedMemoryLostException.Of(Name);
        }
    }

    /// <summary>Throws if work on memory met a loss; the exception names the array whose memory it was.</summary>
    private protected static void ThrowIfLost(int* lost)
    {
        if (lost is not null)
        {
            throw SharedMemoryLostException.Of(lost);
        }
    }

    /// <summary>Takes a reference to the segment, to be released when the memory is no longer needed.</summary>
    private protected Segment AcquireSegment()
    {
        ObjectDisposedException.ThrowIf(!_attached.Segment.TryAddReference(), this);
        if (Volatile.Read(ref _isDisposed) != 0)
        {
            _attached.Segment.Release();
            ObjectDisposedException.ThrowIf(true, this);
        }

        return _attached.Segment;
    }

    private void CheckType(DType wanted)
    {
        ThrowIfDetached();
        AttachedArray.CheckType(Segment.Name, Header, wanted);
    }

    /// <summary>One call's use of the memory: it stays mapped until the call ends, whichever thread disposes the array meanwhile.</summary>
    private protected readonly ref struct Use(UntypedSharedArray array) : IDisposable
    {
        [SuppressMessage("Usage", "CA2213", Justification = "The array is borrowed for one call.")]
        private readonly UntypedSharedArray _array = array;

        public Segment Segment { get; } = array.AcquireSegment();

        /// <summary>Gets the address of the first element, after a check that no memory is lost.</summary>
        public byte* Data
        {
            get
            {
                _array.ThrowIfLost();
                return (byte*)_array._attached.Data;
            }
        }

        /// <summary>
        /// Throws if elements were cut off from the file. The kernel raises no signal for those of a page that is still there. The control
        /// page, if there is one, is cut off with them; else the kernel is asked.
        /// </summary>
        public void ThrowIfCut()
        {
            bool isCut = _array._page is { IsFound: true } page && Segment.IsGuarded ? page.IsLost : Segment.IsTruncated();
            if (isCut)
            {
                throw SharedMemoryLostException.Of(_array.Name);
            }
        }

        /// <summary>Gets the address of an element.</summary>
        public byte* Element(long index)
        {
            if (IsOutside(index, _array.Length))
            {
                _array.ThrowOutside(index);
            }

            return Data + (_array.Header.PlaceOf(index) * _array.ItemSize);
        }

        public void Dispose() => Segment.Release();
    }
}
