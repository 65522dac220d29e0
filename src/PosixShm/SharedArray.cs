using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>
/// An array in shared memory, attached to this process; and the functions that create, attach, list and delete such arrays by name.
/// </summary>
/// <remarks>
/// <para>
/// A name is <c>test1</c>, <c>/test1</c> or <c>shm://test1</c>, which are one array in <c>/dev/shm</c>, or <c>file:///path</c> for an array in a
/// file. The environment variable <c>POSIXSHM_DIR</c>, read once, names another directory than <c>/dev/shm</c>; if it names none, every function that takes or lists such
/// names throws <see cref="DirectoryNotFoundException"/>. Create fails if the name exists, Attach fails if it does not, Dispose detaches and deletes nothing, Delete removes the
/// name and harms nobody attached. An array outlives the process that made it, until somebody deletes it.
/// </para>
/// <para>
/// A segment is a valid .npy file, so Python needs nothing but numpy:
/// <c>np.load("/dev/shm/test1", mmap_mode="r+")</c>. See <c>shm_overview(7)</c> and <c>numpy.lib.format</c>.
/// </para>
/// <para>Functions may be called from any thread. Elements are plain memory: see <see cref="SharedArray{T}"/>.</para>
/// </remarks>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public abstract unsafe partial class SharedArray : IDisposable
{
    private readonly AttachedArray _attached;

    // What every access is checked against: Dispose zeroes them, so that no element of a detached array can be reached.
    private byte* _data;
    private long _length;
    private int _isDisposed;

    // Of an array of two dimensions; else zero.
    private long _rows;
    private readonly long _columns;
    private readonly long _rowStride;
    private readonly long _columnStride;

    /// <summary>Takes over one reference to the segment.</summary>
    private protected SharedArray(AttachedArray array)
    {
        _attached = array;
        _data = (byte*)array.Data;

        // In Fortran order, no place is a flat index: all are outside, and the array's own loops take the slow path.
        ArrayHeader header = array.Header;
        _length = header.IsFortranOrder ? 0 : header.Length;
        if (header.Shape is [long rows, long columns])
        {
            (_rows, _columns) = (rows, columns);
            (_rowStride, _columnStride) = header.IsFortranOrder ? (1L, rows) : (columns, 1L);
        }
    }

    /// <summary>
    /// Gets whether SIGBUS, which lost memory raises, reaches this library. Its handler is installed with the first array, or by this property.
    /// </summary>
    /// <value>
    /// <see langword="false"/> if the switch <c>PosixShm.DisableFaultGuard</c> is set, or another library has installed a handler since
    /// then: a touch of lost memory may end the process. It becomes <see langword="true"/> again when that handler passes a signal on. See
    /// <c>sigaction(2)</c>.
    /// </value>
    public static bool IsFaultGuardActive => OperatingSystem.IsLinux() && Segment.IsGuardActive;

    /// <summary>Gets the name in its shortest form: <c>test1</c>, or <c>file:///path</c>.</summary>
    public string Name => _attached.Segment.Name.Value;

    /// <summary>Gets the element type as numpy writes it: <c>&lt;f8</c>, <c>|b1</c>, <c>&lt;c16</c>, or a list of fields.</summary>
    public string DType => _attached.Header.Type.Description;

    /// <summary>Gets the C# type of the elements, or null if this program knows none.</summary>
    public abstract Type? ElementType { get; }

    /// <summary>Gets the length of each dimension; empty for an array of one element without dimensions.</summary>
    public ImmutableArray<long> Shape => _attached.Header.Shape;

    /// <summary>Gets the number of dimensions.</summary>
    public int Rank => Shape.Length;

    /// <summary>Gets the number of elements: the product of <see cref="Shape"/>.</summary>
    public long Length => _attached.Header.Length;

    /// <summary>Gets the bytes that one element takes.</summary>
    public int ItemSize => checked((int)_attached.Header.Type.Size);

    /// <summary>Gets the bytes that the elements take.</summary>
    public long ByteLength => _attached.Header.DataLength;

    /// <summary>Gets where the elements begin, in bytes from the start of the file: the offset for programs that map the file themselves.</summary>
    public long DataOffset => _attached.Header.DataOffset;

    /// <summary>Gets how many bytes apart the neighbours along each dimension are: numpy's <c>a.strides</c>.</summary>
    public ImmutableArray<long> ByteStrides => _attached.Header.ByteStrides;

    /// <summary>Gets whether the elements are in Fortran order: the first index runs fastest.</summary>
    /// <value><see langword="false"/> also where both orders are the same: without elements, and with at most one dimension other than 1.</value>
    public bool IsFortranOrder => _attached.Header.IsFortranOrder;

    /// <summary>Gets the elements' bytes: the shared memory itself.</summary>
    /// <value>A span that must not be used after <see cref="Dispose"/>.</value>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> bytes, or they are not in C order.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public ReadOnlySpan<byte> Bytes => new(OrderedData, SpanLength(ByteLength, "bytes"));

    /// <summary>Gets whether the name still stands for this very array, and the file is as it was attached.</summary>
    /// <value>
    /// <see langword="false"/> once it was deleted or replaced, and once another program changed the file's description, cut off elements or overwrote
    /// locks in use, as one does that saves over it: attach it again to see what others see. Asks the kernel each time; see <c>stat(2)</c>.
    /// </value>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public bool IsCurrent
    {
        get
        {
            using Use use = new(this);
            return _attached.IsCurrent() && _page is not { IsOverwritten: true };
        }
    }

    private protected virtual bool IsReadOnly => false;

    private protected ArrayHeader Header => _attached.Header;

    private protected Segment Segment => _attached.Segment;

    // Not the field: the span and tensor properties must throw when it is gone.
    private protected byte* Data
    {
        get
        {
            byte* data = _data;
            ObjectDisposedException.ThrowIf(data is null, this);
            ThrowIfLost();
            return data;
        }
    }

    // For views that are flat.
    private byte* OrderedData
    {
        get
        {
            byte* data = Data;
            return Header.IsFortranOrder ? throw NotFlat(Name) : data;
        }
    }

    private string DebuggerDisplay => $"{Name}: {DType} {ShapeText.Of(Shape.AsSpan())}{(_data is null ? ", detached" : string.Empty)}";

    /// <summary>Gets one element, for code that does not know the type.</summary>
    /// <param name="index">The element's place in C order, from 0.</param>
    /// <returns>The element, of <see cref="ElementType"/>; a <see cref="bool"/> is true if its byte is not 0. Without an element
    /// type: a <see cref="string"/> for text, the <see cref="long"/> that numpy stores for a date or time span
    /// (<see cref="DateTime64{TUnit}.Count"/>), and bytes for all else.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public abstract object GetValue(long index);

    /// <summary>Gets one element as text, as numpy writes it: <c>1.5</c>, <c>2.-1.j</c>, a date in ISO 8601.</summary>
    /// <param name="index">The element's place in C order, from 0.</param>
    /// <returns>The text, without quotes. Bytes (S) are one character each (Latin-1); structures, and what else there is no C# type for, are their bytes in hexadecimal.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public string GetText(long index) => ElementText.Of(Header.Type, GetValue(index));

    /// <summary>Sets one element, for code that does not know the type.</summary>
    /// <param name="value">The value, of the type that <see cref="GetValue"/> returns or one that <see cref="Array.SetValue(object, int)"/> widens to it;
    /// for bytes (S) also text of ASCII characters, for a date or time span also
    /// a <see cref="DateTime64{TUnit}"/> or <see cref="TimeDelta64{TUnit}"/> of its unit.</param>
    /// <param name="index">The element's place in C order, from 0.</param>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    /// <exception cref="ArgumentException">The value is longer than an element.</exception>
    /// <exception cref="InvalidCastException">The value is of another type.</exception>
    /// <exception cref="NotSupportedException">The array is read-only.</exception>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public abstract void SetValue(object value, long index);

    /// <summary>
    /// Detaches the array from this process; see <c>munmap(2)</c>. The name and the elements stay. Whoever uses a span of this
    /// array afterwards, or on another thread meanwhile, uses memory that is gone, and nothing can catch that: threads that
    /// cannot know hold a lease (<see cref="SharedArray{T}.Acquire"/>), and the memory stays until the last one ends.
    /// </summary>
    [SuppressMessage("Usage", "CA1816", Justification = "No array has a finalizer, and none can get one: others cannot derive from it.")]
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _length = 0;
            _rows = 0;
            _data = null;
            DetachPage();
            _attached.Segment.Release();
        }
    }

    /// <summary>Writes the elements as numpy prints them: in brackets by dimension, and of more than 1,000 only the first and last of each.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        if (_data is null)
        {
            return DebuggerDisplay;
        }

        using StringWriter text = new(CultureInfo.InvariantCulture);
        WriteTo(text);
        return text.ToString();
    }

    /// <summary>Writes the elements as <see cref="ToString"/> does, one by one: the text of a large array may be larger than memory.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="threshold">How many elements are written in full; of more, only the first and last three of each dimension, or fewer where many
    /// dimensions would make that more than 1,000,000. numpy calls it so, too.</param>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void WriteTo(TextWriter writer, long threshold = ArrayText.Threshold)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ThrowIfDetached();
        Func<ElementType, object, string> text = Rank == 0 ? ElementText.Alone : ElementText.Quoted;
        new ArrayText(Shape, Length > threshold, index => text(Header.Type, GetValue(index))).Write(writer, ElementText.IsAligned(Header.Type));
    }

    // One comparison for both ends: a negative index is a very large one.
    private protected static bool IsOutside(long index, long length) => unchecked((ulong)index >= (ulong)length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected ref T ElementAt<T>(long index)
        where T : unmanaged
    {
        if (IsOutside(index, _length))
        {
            ThrowOutside(index);
        }

        return ref Unsafe.Add(ref Unsafe.AsRef<T>(_data), (nint)index);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected ref T ElementAt<T>(long row, long column)
        where T : unmanaged
    {
        if (IsOutside(row, _rows) || IsOutside(column, _columns))
        {
            ThrowOutside(row, column);
        }

        return ref Unsafe.Add(ref Unsafe.AsRef<T>(_data), (nint)unchecked((row * _rowStride) + (column * _columnStride)));
    }

    private protected ref T ElementAt<T>(scoped ReadOnlySpan<long> indices)
        where T : unmanaged
    {
        ReadOnlySpan<long> shape = Shape.AsSpan();
        if (indices.Length != shape.Length)
        {
            ThrowOutside(indices);
        }

        // No overflow: the shape's product fits. Each order has a loop of its own: a call that returns would make C order a quarter slower.
        long place = 0;
        if (Header.IsFortranOrder)
        {
            for (int i = shape.Length - 1; i >= 0; i--)
            {
                if (IsOutside(indices[i], shape[i]))
                {
                    ThrowOutside(indices);
                }

                place = unchecked((place * shape[i]) + indices[i]);
            }
        }
        else
        {
            for (int i = 0; i < shape.Length; i++)
            {
                if (IsOutside(indices[i], shape[i]))
                {
                    ThrowOutside(indices);
                }

                place = unchecked((place * shape[i]) + indices[i]);
            }
        }

        byte* data = _data;
        if (data is null)
        {
            ThrowOutside(indices);
        }

        return ref Unsafe.Add(ref Unsafe.AsRef<T>(data), (nint)place);
    }

    /// <summary>Gets an element by its place in C order, for enumerators. The path of Fortran order calls nothing that returns, for the same reason as <see cref="ThrowOutside(long)"/>:
    /// getters of at most 16 bytes of IL are inlined also where the compiler expects no execution.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected ref T ElementInOrder<T>(long index)
        where T : unmanaged
    {
        if (!IsOutside(index, _length))
        {
            return ref Unsafe.Add(ref Unsafe.AsRef<T>(_data), (nint)index);
        }

        byte* data = _data;
        if (data is null || IsOutside(index, Header.Length))
        {
            ThrowOutside(index);
        }

        return ref Unsafe.Add(ref Unsafe.AsRef<T>(data), (nint)Header.PlaceOf(index));
    }

    private protected Span<T> SpanOf<T>()
        where T : unmanaged
        => new(OrderedData, SpanLength(Length, "elements"));

    private protected Span<T> SpanOf<T>(long start, int length)
        where T : unmanaged
    {
        byte* data = OrderedData;
        CheckPart(start, length);
        return new Span<T>((T*)data + start, length);
    }

    private protected void CopyOut<T>(Span<T> destination, long start)
        where T : unmanaged
    {
        using Use use = new(this);
        CheckPart(start, destination.Length);
        fixed (T* to = destination)
        {
            if (Header.IsFortranOrder)
            {
                OrderedCopy.Run(Shape.AsSpan(), sizeof(T), use.Data, start, (byte*)to, destination.Length, isOut: true);
                ThrowIfLost();
            }
            else
            {
                ThrowIfLost(LargeMemory.Copy(to, (T*)use.Data + start, (long)destination.Length * sizeof(T)));
            }
        }

        use.ThrowIfCut();
    }

    private protected void CopyIn<T>(ReadOnlySpan<T> source, long start)
        where T : unmanaged
    {
        using Use use = new(this);
        CheckPart(start, source.Length);
        use.ThrowIfCut();
        fixed (T* from = source)
        {
            if (Header.IsFortranOrder)
            {
                OrderedCopy.Run(Shape.AsSpan(), sizeof(T), use.Data, start, (byte*)from, source.Length, isOut: false);
                ThrowIfLost();
            }
            else
            {
                ThrowIfLost(LargeMemory.Copy((T*)use.Data + start, from, (long)source.Length * sizeof(T)));
            }
        }
    }

    private protected T[] CopyOut<T>()
        where T : unmanaged
    {
        ThrowIfDetached();
        T[] copy = GC.AllocateUninitializedArray<T>(SpanLength(Length, "elements"));
        CopyOut<T>(copy, 0);
        return copy;
    }

    private protected T Get<T>(long index)
        where T : unmanaged
    {
        using Use use = new(this);
        T value = *(T*)use.Element(index);
        ThrowIfLost();
        return value;
    }

    private protected void Set<T>(T value, long index)
        where T : unmanaged
    {
        using Use use = new(this);
        *(T*)use.Element(index) = value;
        ThrowIfLost();
    }

    private protected IEnumerator<T> ElementsOf<T>()
        where T : unmanaged
    {
        for (long index = 0; index < Length; index++)
        {
            yield return Get<T>(index);
        }
    }

    private protected TensorSpan<T> RowTensorOf<T>(long index)
        where T : unmanaged
    {
        long perRow = CheckRow(index);
        return Header.IsFortranOrder
            ? TensorShape.Over((T*)Data + index, Shape.AsSpan()[1..], Header.Strides.AsSpan()[1..])
            : TensorShape.Over((T*)Data + (index * perRow), Shape.AsSpan()[1..]);
    }

    private protected TensorSpan<T> ReshapeOf<T>(long[] shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        return TensorShape.Over((T*)OrderedData, TensorShape.Reshape(Name, Shape.AsSpan(), shape, nameof(shape)));
    }

    private protected TensorSpan<TOther> ViewOf<T, TOther>()
        where T : unmanaged
        where TOther : unmanaged
    {
        TOther* data = (TOther*)OrderedData;
        long alignment = sizeof(BehindOneByte<TOther>) - sizeof(TOther);
        return (nint)data % alignment == 0
            ? TensorShape.Over(data, TensorShape.Reinterpret(Name, Shape.AsSpan(), sizeof(T), sizeof(TOther)))
            : throw new InvalidOperationException(
                $"The elements of '{Name}' start at byte {Header.DataOffset}, which is not a multiple of {alignment}: reads and writes of a {typeof(TOther).Name} could be torn.");
    }

    private protected Span<T> RowOf<T>(long index)
        where T : unmanaged
    {
        long perRow = CheckRow(index);
        return SpanOf<T>(index * perRow, SpanLength(perRow, "elements in a row"));
    }

    /// <summary>Checks the first index, and returns how many elements each of its values has.</summary>
    private protected long CheckRow(long index)
    {
        ThrowIfDetached();
        return Rank == 0
            ? throw new ArgumentException($"'{Name}' has no dimensions, and so no rows.", nameof(index))
            : IsOutside(index, Shape[0])
            ? throw new IndexOutOfRangeException($"'{Name}' has the shape {ShapeText.Of(Shape.AsSpan())}, and no row {index}.")
            : Length / Shape[0];
    }

    private protected ReadOnlySpan<NRange> CheckRanges(ReadOnlySpan<NRange> ranges)
        => ranges.Length == Math.Max(Rank, 1)
            ? ranges
            : throw new ArgumentException($"'{Name}' has {Rank} dimensions, and {ranges.Length} ranges were given.", nameof(ranges));

    // A look at what happened since the last call: accesses between two calls cannot throw.
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

    private protected void ThrowIfDetached() => ObjectDisposedException.ThrowIf(_data is null, this);

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

    private void CheckPart(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - start);
    }

    private int SpanLength(long length, string of)
        => length <= int.MaxValue
            ? (int)length
            : throw new InvalidOperationException($"'{Name}' has {length} {of}, and a span at most {int.MaxValue}: use AsSpan(start, length) or AsTensorSpan().");

    // Of one throw each, so that the compiler sees that they do not return: else the loops that index would keep their sums in memory for them.
    [DoesNotReturn]
    private void ThrowOutside(long index) => throw Outside([index]);

    [DoesNotReturn]
    private void ThrowOutside(long row, long column) => throw Outside([row, column]);

    [DoesNotReturn]
    private void ThrowOutside(scoped ReadOnlySpan<long> indices) => throw Outside(indices);

    private Exception Outside(scoped ReadOnlySpan<long> indices)
    {
        if (_data is null)
        {
            return new ObjectDisposedException(GetType().FullName);
        }

        // One index is a flat one.
        return indices.Length == 1 && Header.IsFortranOrder && !IsOutside(indices[0], Length)
            ? NotFlat(Name)
            : indices.Length != 1 && indices.Length != Rank
            ? new ArgumentException($"'{Name}' has {Rank} dimensions, and {indices.Length} indices were given.", nameof(indices))
            : new IndexOutOfRangeException($"'{Name}' has the shape {ShapeText.Of(Shape.AsSpan())}, and no element at {ShapeText.Of(indices)}.");
    }

    /// <summary>Makes the exception for a flat view of an array in Fortran order.</summary>
    internal static InvalidOperationException NotFlat(string name)
        => new($"'{name}' is in Fortran order, so its elements are not in C order in memory. Use a[i, j], AsTensorSpan(), GetValue(index) or ToArray().");

    // Its size tells the alignment of an element.
    private readonly record struct BehindOneByte<T>(byte First, T Element)
        where T : unmanaged;

    /// <summary>One call's use of the memory: it stays mapped until the call ends, whichever thread disposes the array meanwhile.</summary>
    private protected readonly ref struct Use(SharedArray array) : IDisposable
    {
        [SuppressMessage("Usage", "CA2213", Justification = "The array is borrowed for one call.")]
        private readonly SharedArray _array = array;

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
        /// Throws if elements were cut off from the file. The kernel raises no signal for those of a page that is still there. The control page, if there is
        /// one, is cut off with them; else the kernel is asked.
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
