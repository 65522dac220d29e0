using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using PosixShm.Elements;

namespace PosixShm;

/// <content>Checks of indices, and views of the memory. The derived classes expose them, for reading or for writing.</content>
public abstract unsafe partial class TypedSharedArray<T>
{
    // The getters of elements check _length or _rows and then use _data, without a reference to the segment. The comment at these fields
    // has the invariant.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected ref T ElementAt(long index)
    {
        if (IsOutside(index, _length))
        {
            ThrowOutside(index);
        }

        return ref Unsafe.Add(ref Unsafe.AsRef<T>(_data), (nint)index);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected ref T ElementAt(long row, long column)
    {
        if (IsOutside(row, _rows) || IsOutside(column, _columns))
        {
            ThrowOutside(row, column);
        }

        return ref Unsafe.Add(ref Unsafe.AsRef<T>(_data), (nint)unchecked((row * _rowStride) + (column * _columnStride)));
    }

    private protected ref T ElementAt(Index index)
    {
        CheckOneDimension(nameof(index));
        return ref ElementAt(Offset(index));
    }

    private protected ref T ElementAt(scoped ReadOnlySpan<long> indices)
    {
        ReadOnlySpan<long> shape = Shape.AsSpan();
        if (indices.Length != shape.Length)
        {
            ThrowOutside(indices);
        }

        // The product of the shape fits into a long, so nothing overflows. Each order has a loop of its own, because a call that returns
        // would make C order a quarter slower.
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

        // Dispose keeps the shape, so the pointer itself is checked.
        byte* data = _data;
        if (data is null)
        {
            ThrowOutside(indices);
        }

        return ref Unsafe.Add(ref Unsafe.AsRef<T>(data), (nint)place);
    }

    /// <summary>Gets a reference to an element by its index in C order, for enumerators. The path of Fortran order calls only methods that
    /// do not return, and getters of at most 16 bytes of IL, which the JIT always inlines; see
    /// <see cref="UntypedSharedArray.ThrowOutside(long)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected ref T ElementInOrder(long index)
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

    internal Span<T> SpanOf() => new(OrderedData, SpanLength(Length, "elements"));

    private protected Span<T> SpanOf(Range range)
    {
        CheckOneDimension(nameof(range));
        long start = Offset(range.Start);
        long end = Offset(range.End);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start, nameof(range));
        return SpanOf(start, SpanLength(end - start, "elements in that range"));
    }

    private protected Span<T> SpanOf(long start, int length)
    {
        byte* data = OrderedData;
        CheckPart(start, length);
        return new Span<T>((T*)data + start, length);
    }

    private protected T Get(long index)
    {
        using Use use = new(this);
        T value = *(T*)use.Element(index);
        ThrowIfLost();
        return value;
    }

    private protected TensorSpan<T> RowTensorOf(long index)
    {
        long perRow = CheckRow(index);
        return Header.IsFortranOrder
            ? TensorShape.Over((T*)Data + index, Shape.AsSpan()[1..], Header.Strides.AsSpan()[1..])
            : TensorShape.Over((T*)Data + (index * perRow), Shape.AsSpan()[1..]);
    }

    private protected TensorSpan<T> ReshapeOf(long[] shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return TensorShape.Over((T*)OrderedData, TensorShape.Reshape(Name, Shape.AsSpan(), shape, nameof(shape)));
    }

    private protected TensorSpan<TOther> ViewOf<TOther>()
        where TOther : unmanaged
    {
        TOther* data = (TOther*)OrderedData;
        long alignment = sizeof(BehindOneByte<TOther>) - sizeof(TOther);
        return (nint)data % alignment == 0
            ? TensorShape.Over(data, TensorShape.Reinterpret(Name, Shape.AsSpan(), sizeof(T), sizeof(TOther)))
            : throw new InvalidOperationException(
                $"The elements of '{Name}' start at byte {Header.DataOffset}, which is not a multiple of {alignment}: "
                + $"reads and writes of a {typeof(TOther).Name} could be torn.");
    }

    private protected Span<T> RowOf(long index)
    {
        long perRow = CheckRow(index);
        return SpanOf(index * perRow, SpanLength(perRow, "elements in a row"));
    }

    /// <summary>Checks the first index, and returns the number of elements of a row.</summary>
    private protected long CheckRow(long index)
    {
        ThrowIfDetached();
        if (Rank == 0)
        {
            throw new ArgumentException($"'{Name}' has no dimensions, so it has no rows.", nameof(index));
        }

        return !IsOutside(index, Shape[0])
            ? Length / Shape[0]
            : throw new IndexOutOfRangeException($"'{Name}' has the shape {ShapeText.Of(Shape.AsSpan())}, and no row {index}.");
    }

    private protected ReadOnlySpan<NRange> CheckRanges(ReadOnlySpan<NRange> ranges)
        => ranges.Length == Math.Max(Rank, 1)
            ? ranges
            : throw new ArgumentException($"'{Name}' has {Rank} dimensions, and {ranges.Length} ranges were given.", nameof(ranges));

    // In numpy, a[^1] and a[2..5] of an array of more dimensions are rows, so flat elements would be a mistake.
    private void CheckOneDimension(string parameter)
    {
        if (Rank > 1)
        {
            throw new ArgumentException(
                $"'{Name}' has {Rank} dimensions, and an index from the end or a range is for one dimension: "
                + "use Row(index), AsTensorSpan(ranges) or AsSpan(start, length).",
                parameter);
        }
    }

    private long Offset(Index index) => index.IsFromEnd ? Length - index.Value : index.Value;

    private protected void CheckPart(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - start);
    }

    // The size of this struct, less the size of the element, is the element's alignment.
    private readonly record struct BehindOneByte<TElement>(byte First, TElement Element)
        where TElement : unmanaged;
}
