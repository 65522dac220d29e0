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

/// <summary>An array in shared memory, attached to this process, whose element type is known only at run time.</summary>
/// <remarks>All members are thread-safe, except that the memory must not be used after <see cref="Dispose"/>. <see cref="SharedArray"/>
/// creates and attaches arrays. The object is a <see cref="SharedArray{T}"/> or a <see cref="ReadOnlySharedArray{T}"/> if the element type
/// has a C# type, and the elements are aligned.</remarks>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public abstract unsafe partial class UntypedSharedArray : IDisposable
{
    private readonly AttachedArray _attached;

    // Invariant of the element getters, which hold no reference to the segment: _length and _rows are 0 unless _data is the address of
    // mapped memory. Dispose keeps the invariant: it clears all three before it releases the mapping. An access after Dispose therefore
    // finds each index outside, and throws. An access on another thread during Dispose breaks it: the thread may have checked its index
    // before Dispose clears the fields, and then uses a null pointer or unmapped memory, as with a span. No order of reads prevents that,
    // and a reference per access would cost more than the access. Threads that race Dispose therefore hold a lease (Acquire), or call
    // members that hold a reference until they return (Use). See docs/ARCHITECTURE.md, "Lifetime".
    private protected byte* _data;
    private protected long _length;
    private int _isDisposed;

    // These four are 0 unless the array has two dimensions.
    private protected long _rows;
    private protected readonly long _columns;
    private protected readonly long _rowStride;
    private protected readonly long _columnStride;

    /// <summary>Becomes the owner of one reference to the segment.</summary>
    private protected UntypedSharedArray(AttachedArray array)
    {
        _attached = array;
        _data = (byte*)array.Data;

        // An array in Fortran order has no flat indices. With length 0, all are outside, and enumerators take the slow path.
        ArrayHeader header = array.Header;
        _length = header.IsFortranOrder ? 0 : header.Length;
        if (header.Shape is [long rows, long columns])
        {
            (_rows, _columns) = (rows, columns);
            (_rowStride, _columnStride) = header.IsFortranOrder ? (1L, rows) : (columns, 1L);
        }
    }

    /// <summary>Gets the name in its shortest form, such as <c>test1</c> or <c>file:///path</c>.</summary>
    public string Name => _attached.Segment.Name.Value;

    /// <summary>Gets the element type in numpy's notation: <c>&lt;f8</c>, <c>|b1</c>, <c>&lt;c16</c>, or a list of fields.</summary>
    public string DType => _attached.Header.Type.Description;

    /// <summary>Gets the C# type of the elements, or null if the element type has none in this program.</summary>
    public abstract Type? ElementType { get; }

    /// <summary>Gets the length of each dimension; empty for an array of one element without dimensions.</summary>
    public ImmutableArray<long> Shape => _attached.Header.Shape;

    /// <summary>Gets the number of dimensions.</summary>
    public int Rank => Shape.Length;

    /// <summary>Gets the number of elements: the product of <see cref="Shape"/>.</summary>
    public long Length => _attached.Header.Length;

    /// <summary>Gets the size of one element, in bytes.</summary>
    public int ItemSize => checked((int)_attached.Header.Type.Size);

    /// <summary>Gets the size of all elements, in bytes.</summary>
    public long ByteLength => _attached.Header.DataLength;

    /// <summary>Gets the offset of the first element in the file, in bytes, for programs that map the file themselves.</summary>
    public long DataOffset => _attached.Header.DataOffset;

    /// <summary>Gets the stride of each dimension, in bytes, as numpy's <c>a.strides</c>.</summary>
    public ImmutableArray<long> ByteStrides => _attached.Header.ByteStrides;

    /// <summary>Gets whether the elements are in Fortran order: the first index varies fastest.</summary>
    /// <value><see langword="false"/> also if both orders are the same: without elements, and with at most one dimension other than
    /// 1.</value>
    public bool IsFortranOrder => _attached.Header.IsFortranOrder;

    /// <summary>Gets the bytes of the elements, as a span over the shared memory.</summary>
    /// <value>The span must not be used after <see cref="Dispose"/>.</value>
    /// <exception cref="InvalidOperationException">The elements have more than <see cref="int.MaxValue"/> bytes, or are not in C
    /// order.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public ReadOnlySpan<byte> Bytes => new(OrderedData, SpanLength(ByteLength, "bytes"));

    /// <summary>Gets whether the name still refers to this array, and the file is unchanged apart from its elements.</summary>
    /// <value><see langword="false"/> after the array was deleted or replaced, and after another program saved over the file: changed the
    /// description, truncated elements, or overwrote locks in use. Attach the array again then. Each read of the property queries the
    /// kernel; see <c>stat(2)</c>.</value>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public bool IsCurrent
    {
        get
        {
            using Use use = new(this);
            return _attached.IsCurrent() && _page is not { IsOverwritten: true };
        }
    }

    /// <summary>Gets whether this array refuses writes: it was attached read-only, or created by
    /// <see cref="SharedArray{T}.AsReadOnly"/>.</summary>
    /// <value>Other processes may write the elements.</value>
    public abstract bool IsReadOnly { get; }

    internal ArrayHeader Header => _attached.Header;

    private protected Segment Segment => _attached.Segment;

    // Unlike the field, throws if the array is disposed or its memory is lost, for the members that return spans and tensors.
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

    // Throws for arrays in Fortran order, too, which have no flat views.
    private protected byte* OrderedData
    {
        get
        {
            byte* data = Data;
            return Header.IsFortranOrder ? throw NotFlat(Name) : data;
        }
    }

    private string DebuggerDisplay => $"{Name}: {DType} {ShapeText.Of(Shape.AsSpan())}{(_data is null ? ", disposed" : string.Empty)}";

    /// <summary>Gets one element as an object.</summary>
    /// <param name="index">The element's index in C order, from 0.</param>
    /// <returns>The element, of <see cref="ElementType"/>; a <see cref="bool"/> is true if its byte is not 0. If the element type has no C#
    /// type: a <see cref="string"/> for text, the <see cref="long"/> that numpy stores for a date or time span
    /// (<see cref="DateTime64{TUnit}.Count"/>), and a byte array for all others.</returns>
    /// <exception cref="IndexOutOfRangeException">The index is outside the array.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public abstract object GetValue(long index);

    /// <summary>Gets one element by its indices as an object.</summary>
    /// <param name="indices">One index for each dimension, or a single one in C order.</param>
    /// <exception cref="ArgumentException">The number of indices is not the number of dimensions.</exception>
    /// <inheritdoc cref="GetValue(long)"/>
    public object GetValue(params long[] indices) => GetValue(indices is [long flat] ? flat : FlatIndex(indices));

    /// <summary>Gets one element as numpy prints it: <c>1.5</c>, <c>2.-1.j</c>, a date in ISO 8601.</summary>
    /// <returns>The text, without quotes. Each byte of an S is one character (Latin-1). Structures and other elements without a C# type are
    /// their bytes in hexadecimal.</returns>
    /// <inheritdoc cref="GetValue(long)"/>
    public string GetText(long index) => ElementText.Of(Header.Type, GetValue(index));

    /// <summary>Sets one element to an object.</summary>
    /// <param name="value">The value, of the type that <see cref="GetValue(long)"/> returns, or of one that
    /// <see cref="Array.SetValue(object, int)"/> widens to it. For S also an ASCII string; for a date or time span also a
    /// <see cref="DateTime64{TUnit}"/> or <see cref="TimeDelta64{TUnit}"/> of its unit.</param>
    /// <param name="index">The element's index in C order, from 0.</param>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    /// <exception cref="ArgumentException">The value is longer than an element.</exception>
    /// <exception cref="InvalidCastException">The value has another type.</exception>
    /// <exception cref="NotSupportedException">The array is read-only.</exception>
    /// <exception cref="IndexOutOfRangeException">The index is outside the array.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public abstract void SetValue(object value, long index);

    /// <summary>Sets one element by its indices to an object.</summary>
    /// <param name="value">The value, as <see cref="SetValue(object, long)"/> accepts it.</param>
    /// <param name="indices">One index for each dimension, or a single one in C order.</param>
    /// <exception cref="ArgumentException">The number of indices is not the number of dimensions, or the value is longer than an
    /// element.</exception>
    /// <inheritdoc cref="SetValue(object, long)"/>
    public void SetValue(object value, params long[] indices) => SetValue(value, indices is [long flat] ? flat : FlatIndex(indices));

    /// <summary>Detaches the array from this process; see <c>munmap(2)</c>. The name and the elements remain. Spans, tensors and references
    /// must not be used afterwards, or on another thread during the call: they access unmapped memory, which may end the process. A thread
    /// that may race the disposal holds a lease (<see cref="SharedArray{T}.Acquire"/>), which keeps the memory mapped.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "No array has a finalizer, and no other assembly can derive from the class.")]
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

    /// <summary>Returns the elements as numpy prints them: in brackets by dimension. If the array has more than 1,000 elements, only the
    /// first and last three of each dimension are shown.</summary>
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

    /// <summary>Writes the elements as <see cref="ToString"/> does, one by one, because the text of a large array may exceed
    /// memory.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="threshold">The largest number of elements that is written in full, as numpy's print option of that name. A larger array
    /// is shortened to the first and last three elements of each dimension, or to fewer if that would exceed 1,000,000 elements.</param>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void WriteTo(TextWriter writer, long threshold = ArrayText.Threshold)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ThrowIfDetached();
        Func<DType, object, string> text = Rank == 0 ? ElementText.Alone : ElementText.Quoted;
        ArrayText lines = new(Shape, Length > threshold, index => text(Header.Type, GetValue(index)));
        lines.Write(writer, ElementText.IsAligned(Header.Type));
    }

    /// <summary>Copies this array's elements into a new array; an <see cref="ArrayFiller"/>.</summary>
    internal void CopyElements(AttachedArray target)
    {
        using Use use = new(this);
        ArrayFillers.Copy(_attached, ByteLength)(target);
    }

    // One unsigned comparison checks both ends: a negative index becomes a very large one.
    private protected static bool IsOutside(long index, long length) => unchecked((ulong)index >= (ulong)length);

    private protected void ThrowIfDetached() => ObjectDisposedException.ThrowIf(_data is null, this);

    /// <summary>Returns the index in C order of the element at the indices.</summary>
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

            // The product of the shape fits into a long, so nothing overflows.
            flat = unchecked((flat * shape[i]) + indices[i]);
        }

        return flat;
    }

    private protected int SpanLength(long length, string of)
        => length <= int.MaxValue
            ? (int)length
            : throw new InvalidOperationException(
                $"'{Name}' has {length} {of}, and a span at most {int.MaxValue}: use AsSpan(start, length) or AsTensorSpan().");

    // Each method consists of a single throw, from which the JIT concludes that it does not return. Otherwise, loops that index would keep
    // their sums in memory.
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

        // A single index is a flat one.
        if (indices.Length == 1 && Header.IsFortranOrder && !IsOutside(indices[0], Length))
        {
            return NotFlat(Name);
        }

        return indices.Length != 1 && indices.Length != Rank
            ? new ArgumentException($"'{Name}' has {Rank} dimensions, and {indices.Length} indices were given.", nameof(indices))
            : new IndexOutOfRangeException(
                $"'{Name}' has the shape {ShapeText.Of(Shape.AsSpan())}, and no element at {ShapeText.Of(indices)}.");
    }

    /// <summary>Creates the exception for a flat view of an array in Fortran order.</summary>
    internal static InvalidOperationException NotFlat(string name)
        => new($"'{name}' is in Fortran order, so it has no flat views. Use a[i, j], AsTensorSpan(), GetValue(index) or ToArray().");
}
