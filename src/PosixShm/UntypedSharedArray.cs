using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>An array in shared memory, attached to this process, without its element type.</summary>
/// <remarks>
/// Its members may be called from any thread. <see cref="SharedArray"/> creates and attaches arrays; nearly all are a
/// <see cref="SharedArray{T}"/> or a <see cref="ReadOnlySharedArray{T}"/>.
/// </remarks>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public abstract unsafe partial class UntypedSharedArray : IDisposable
{
    private readonly AttachedArray _attached;

    // Every access is checked against these two: Dispose zeroes them, so that no element of a detached array can be reached.
    private protected byte* _data;
    private protected long _length;
    private int _isDisposed;

    // These four are zero unless the array has two dimensions.
    private protected long _rows;
    private protected readonly long _columns;
    private protected readonly long _rowStride;
    private protected readonly long _columnStride;

    /// <summary>Takes over one reference to the segment.</summary>
    private protected UntypedSharedArray(AttachedArray array)
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

    /// <summary>Gets where the elements begin, in bytes from the start of the file: the offset for programs that map the file
    /// themselves.</summary>
    public long DataOffset => _attached.Header.DataOffset;

    /// <summary>Gets how many bytes apart the neighbours along each dimension are: numpy's <c>a.strides</c>.</summary>
    public ImmutableArray<long> ByteStrides => _attached.Header.ByteStrides;

    /// <summary>Gets whether the elements are in Fortran order: the first index runs fastest.</summary>
    /// <value><see langword="false"/> also where both orders are the same: without elements, and with at most one dimension other than
    /// 1.</value>
    public bool IsFortranOrder => _attached.Header.IsFortranOrder;

    /// <summary>Gets the elements' bytes: the shared memory itself.</summary>
    /// <value>A span that must not be used after <see cref="Dispose"/>.</value>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/> bytes, or they are not in C
    /// order.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public ReadOnlySpan<byte> Bytes => new(OrderedData, SpanLength(ByteLength, "bytes"));

    /// <summary>Gets whether the name still stands for this very array, and the file is as it was attached.</summary>
    /// <value>
    /// <see langword="false"/> once it was deleted or replaced, and once another program changed the file's description, cut off elements
    /// or overwrote locks in use, as one does that saves over it: attach it again to see what others see. Asks the kernel each time; see
    /// <c>stat(2)</c>.
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

    /// <summary>Gets whether this array refuses writes: it was attached to read only, or is a view by
    /// <see cref="SharedArray{T}.AsReadOnly"/>.</summary>
    /// <value>Other processes may write the elements all the same.</value>
    public abstract bool IsReadOnly { get; }

    internal ArrayHeader Header => _attached.Header;

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
    private protected byte* OrderedData
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
    /// <returns>The element, of <see cref="DType"/>; a <see cref="bool"/> is true if its byte is not 0. Without an element
    /// type: a <see cref="string"/> for text, the <see cref="long"/> that numpy stores for a date or time span
    /// (<see cref="DateTime64{TUnit}.Count"/>), and bytes for all else.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public abstract object GetValue(long index);

    /// <summary>Gets one element by its indices, for code that does not know the type.</summary>
    /// <param name="indices">One index for each dimension; or one alone, as <see cref="GetValue(long)"/> takes it.</param>
    /// <exception cref="ArgumentException">There is not one index for each dimension.</exception>
    /// <inheritdoc cref="GetValue(long)"/>
    public object GetValue(params long[] indices) => GetValue(indices is [long flat] ? flat : FlatIndex(indices));

    /// <summary>Gets one element as text, as numpy writes it: <c>1.5</c>, <c>2.-1.j</c>, a date in ISO 8601.</summary>
    /// <param name="index">The element's place in C order, from 0.</param>
    /// <returns>The text, without quotes. Bytes (S) are one character each (Latin-1); structures, and what else there is no C# type for,
    /// are their bytes in hexadecimal.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public string GetText(long index) => ElementText.Of(Header.Type, GetValue(index));

    /// <summary>Sets one element, for code that does not know the type.</summary>
    /// <param name="value">The value, of the type that <see cref="GetValue(long)"/> returns or one that
    /// <see cref="Array.SetValue(object, int)"/> widens to it; for bytes (S) also text of ASCII characters, for a date or time span also a
    /// <see cref="DateTime64{TUnit}"/> or <see cref="TimeDelta64{TUnit}"/> of its unit.</param>
    /// <param name="index">The element's place in C order, from 0.</param>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    /// <exception cref="ArgumentException">The value is longer than an element.</exception>
    /// <exception cref="InvalidCastException">The value is of another type.</exception>
    /// <exception cref="NotSupportedException">The array is read-only.</exception>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public abstract void SetValue(object value, long index);

    /// <summary>Sets one element by its indices, for code that does not know the type.</summary>
    /// <param name="value">The value, as <see cref="SetValue(object, long)"/> takes it.</param>
    /// <param name="indices">One index for each dimension; or one alone, as <see cref="SetValue(object, long)"/> takes it.</param>
    /// <exception cref="ArgumentException">There is not one index for each dimension, or the value is longer than an element.</exception>
    /// <inheritdoc cref="SetValue(object, long)"/>
    public void SetValue(object value, params long[] indices) => SetValue(value, indices is [long flat] ? flat : FlatIndex(indices));

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

    /// <summary>Writes the elements as numpy prints them: in brackets by dimension, and of more than 1,000 only the first and last of
    /// each.</summary>
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

    /// <summary>Writes the elements as <see cref="ToString"/> does, one by one: the text of a large array may be larger than
    /// memory.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="threshold">How many elements are written in full; of more, only the first and last three of each dimension, or fewer
    /// where many dimensions would make that more than 1,000,000. numpy calls it so, too.</param>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void WriteTo(TextWriter writer, long threshold = ArrayText.Threshold)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ThrowIfDetached();
        Func<DType, object, string> text = Rank == 0 ? ElementText.Alone : ElementText.Quoted;
        new ArrayText(Shape, Length > threshold, index => text(Header.Type, GetValue(index))).Write(writer, ElementText.IsAligned(Header.Type));
    }

    /// <summary>Makes the filler of a copy of this array.</summary>
    internal void CopyElements(AttachedArray target)
    {
        using Use use = new(this);
        ArrayFillers.Copy(_attached, ByteLength)(target);
    }

    // One comparison for both ends: a negative index is a very large one.
    private protected static bool IsOutside(long index, long length) => unchecked((ulong)index >= (ulong)length);

    private protected void ThrowIfDetached() => ObjectDisposedException.ThrowIf(_data is null, this);

    /// <summary>Returns the place in C order of the element at the indices.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected long FlatIndex(scoped ReadOnlySpan<long> indices)
    {
        ReadOnlySpan<long> shape = Shape.AsSpan();
        if (indices.Length != shape.Length)
        {
            ThrowOutside(indices);
        }

        long flat = 0;
        for (int i = 0; i < shape.Length; i++)
        {
            if (IsOutside(indices[i], shape[i]))
            {
                ThrowOutside(indices);
            }

            // No overflow: the shape's product fits.
            flat = unchecked((flat * shape[i]) + indices[i]);
        }

        return flat;
    }

    private protected int SpanLength(long length, string of)
        => length <= int.MaxValue
            ? (int)length
            : throw new InvalidOperationException($"'{Name}' has {length} {of}, and a span at most {int.MaxValue}: use AsSpan(start, length) or AsTensorSpan().");

    // Each method consists of a single throw, from which the JIT concludes that it does not return: else loops that index would keep their sums in
    // memory.
    [DoesNotReturn]
    private protected void ThrowOutside(long index) => throw Outside([index]);

    [DoesNotReturn]
    private protected void ThrowOutside(long row, long column) => throw Outside([row, column]);

    [DoesNotReturn]
    private protected void ThrowOutside(scoped ReadOnlySpan<long> indices) => throw Outside(indices);

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
}
