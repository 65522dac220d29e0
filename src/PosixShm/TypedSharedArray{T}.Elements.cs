using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using PosixShm.Elements;

namespace PosixShm;

/// <content>Elements: checks of indices, and views of the memory. The derived classes expose them, for reading or for writing.</content>
public abstract unsafe partial class TypedSharedArray<T>
{
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

    /// <summary>Gets an element by its place in C order, for enumerators. The path of Fortran order calls nothing that returns, for the
    /// same reason as <see cref="UntypedSharedArray.ThrowOutside(long)"/>: getters of at most 16 bytes of IL are inlined also where the
    /// compiler expects no execution.</summary>
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
        return SpanOf(start, SpanLength(Offset(range.End) - start, "elements in that range"));
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
                $"The elements of '{Name}' start at byte {Header.DataOffset}, which is not a multiple of {alignment}: reads and writes of a {typeof(TOther).Name} could be torn.");
    }

    private protected Span<T> RowOf(long index)
    {
        long perRow = CheckRow(index);
        return SpanOf(index * perRow, SpanLength(perRow, "elements in a row"));
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

    // To numpy, a[^1] and a[2..5] are rows of an array of more dimensions. Flat elements are not meant by accident.
    private void CheckOneDimension(string parameter)
    {
        if (Rank > 1)
        {
            throw new ArgumentException(
                $"'{Name}' has {Rank} dimensions, and an index from the end or a range is for one: use Row(index), AsTensorSpan(ranges) or AsSpan(start, length).", parameter);
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

    // The alignment of an element follows from its size.
    private readonly record struct BehindOneByte<TElement>(byte First, TElement Element)
        where TElement : unmanaged;
}
