using System.Diagnostics.CodeAnalysis;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>References to the segment, checks for lost memory, and second arrays over the mapping.</content>
public abstract unsafe partial class UntypedSharedArray
{
    /// <summary>Creates an array of a known element type over the same mapping.</summary>
    /// <typeparam name="T">The element type, which must be the array's.</typeparam>
    /// <returns>The array, which must be disposed too: the memory stays mapped until both arrays are disposed.</returns>
    /// <exception cref="InvalidDataException">The array has another element type, or its elements are not aligned.</exception>
    /// <exception cref="InvalidOperationException">The array is read-only: use <see cref="AsReadOnly{T}"/>.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public SharedArray<T> As<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>()
        where T : unmanaged
    {
        CheckType(ElementTypes.Of<T>());
        return IsReadOnly
            ? throw new InvalidOperationException($"'{Name}' is attached read-only: use AsReadOnly<{typeof(T).Name}>().")
            : SharingLocks(new SharedArray<T>(_attached.Share()));
    }

    /// <summary>Creates a read-only array of a known element type over the same mapping.</summary>
    /// <typeparam name="T">The element type, which must be the array's.</typeparam>
    /// <exception cref="InvalidDataException">The array has another element type, or its elements are not aligned.</exception>
    /// <exception cref="NotSupportedException">numpy has no such element type.</exception>
    /// <inheritdoc cref="SharedArray{T}.AsReadOnly"/>
    public ReadOnlySharedArray<T> AsReadOnly<[DynamicallyAccessedMembers(ElementTypes.Fields)] T>()
        where T : unmanaged
    {
        CheckType(ElementTypes.Of<T>());
        return ReadOnlyView<T>();
    }

    /// <summary>Detaches the array, as <see cref="Dispose"/> does, and deletes its name unless another process, or another attachment or
    /// lease of this process, uses it.</summary>
    /// <returns><see langword="true"/> if this call deleted the name. If all processes end their use in this way, exactly one of the calls
    /// returns <see langword="true"/>, even if they are concurrent.</returns>
    /// <remarks>Uses are those that <see cref="SharedArray.DeleteStale"/> respects. A process that attaches the array at the same time
    /// keeps it, or its attachment fails. A name that meanwhile refers to another array is not deleted. The call is never made implicitly:
    /// if a process is killed, its array remains until another process or <see cref="SharedArray.DeleteStale"/> deletes it.</remarks>
    /// <exception cref="UnauthorizedAccessException">The array is unused, and this user may not delete it. It is detached.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
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

    // Throws if memory was lost since the last call: accesses between two calls cannot throw.
    private protected void ThrowIfLost()
    {
        if (_attached.Segment.IsLost)
        {
            throw SharedMemoryLostException.Of(Name);
        }
    }

    /// <summary>Throws if an operation met lost memory. The exception names the array of that memory.</summary>
    private protected static void ThrowIfLost(int* lost)
    {
        if (lost is not null)
        {
            throw SharedMemoryLostException.Of(lost);
        }
    }

    /// <summary>Adds a reference to the segment, which the caller must release.</summary>
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

    /// <summary>The use of the memory by one call. The memory stays mapped until the call ends, even if another thread disposes the
    /// array.</summary>
    private protected readonly ref struct Use(UntypedSharedArray array) : IDisposable
    {
        [SuppressMessage("Usage", "CA2213", Justification = "The array is borrowed for one call.")]
        private readonly UntypedSharedArray _array = array;

        public Segment Segment { get; } = array.AcquireSegment();

        /// <summary>Gets the address of the first element, after a check for lost memory.</summary>
        public byte* Data
        {
            get
            {
                _array.ThrowIfLost();
                return (byte*)_array._attached.Data;
            }
        }

        /// <summary>Throws if elements were truncated from the file. The kernel raises no signal for elements on a page that still exists.
        /// The control page, if it exists, is truncated with any elements; otherwise the file's size is queried.</summary>
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
