using PosixShm.Formats;

namespace PosixShm.Arrays;

/// <summary>Copies elements between C order and memory in Fortran order.</summary>
/// <remarks>The first dimension is contiguous in one order, and the last one in the other. Both are cut into tiles, so that all elements of
/// a cache line are copied while it is cached.</remarks>
internal unsafe ref struct OrderedCopy(ReadOnlySpan<long> shape, ReadOnlySpan<long> fromSteps, ReadOnlySpan<long> toSteps, int size)
{
    // Measured for elements of 1 to 16 bytes: the lines of larger tiles evict each other where strides are powers of two.
    private const int Side = 16;

    private readonly ReadOnlySpan<long> _shape = shape;
    private readonly ReadOnlySpan<long> _fromSteps = fromSteps;
    private readonly ReadOnlySpan<long> _toSteps = toSteps;
    private readonly int _size = size;

    // The tile that is being copied.
    private int _rowDimension;
    private long _rows;
    private long _columns;

    /// <summary>Copies elements out of, or into, an array in Fortran order.</summary>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="size">The size of an element, in bytes.</param>
    /// <param name="elements">The elements of the array.</param>
    /// <param name="start">The index of the first element in C order.</param>
    /// <param name="copy">The elements in C order.</param>
    /// <param name="count">The number of elements.</param>
    /// <param name="isOut">Whether the elements are copied out of the array.</param>
    public static void Run(ReadOnlySpan<long> shape, long size, byte* elements, long start, byte* copy, long count, bool isOut)
    {
        if (size == 0)
        {
            return;
        }

        // Strides in bytes.
        ReadOnlySpan<long> steps = ElementOrder.Strides(shape, isFortranOrder: true, size).AsSpan();
        ReadOnlySpan<long> copySteps = ElementOrder.Strides(shape, isFortranOrder: false, size).AsSpan();
        OrderedCopy run = isOut ? new(shape, steps, copySteps, checked((int)size)) : new(shape, copySteps, steps, checked((int)size));
        run.CopyRange(0, isOut ? elements : copy, isOut ? copy : elements, start, count, isOut);
    }

    // Copies whole indices of a dimension in tiles, and the parts before and after them as ranges of the next dimension.
    private void CopyRange(int dimension, byte* from, byte* to, long start, long count, bool isOut)
    {
        long each = (isOut ? _toSteps : _fromSteps)[dimension] / _size;
        while (count > 0)
        {
            (long index, long inside) = Math.DivRem(start, each);
            byte* first = (isOut ? from : to) + (index * (isOut ? _fromSteps : _toSteps)[dimension]);
            long done = inside == 0 && count >= each ? count - (count % each) : Math.Min(each - inside, count);
            if (done >= each)
            {
                CopyTiles(dimension, done / each, isOut ? first : from, isOut ? to : first);
            }
            else
            {
                CopyRange(dimension + 1, isOut ? first : from, isOut ? to : first, inside, done, isOut);
            }

            start += done;
            count -= done;
            from += isOut ? 0 : done * _size;
            to += isOut ? done * _size : 0;
        }
    }

    private void CopyTiles(int dimension, long rows, byte* from, byte* to)
    {
        int last = _shape.Length - 1;
        long columns = dimension == last ? 1 : _shape[last];

        // If one side is short, the other side is longer.
        long mostColumns = Side * Math.Max(1, Side / rows);
        long mostRows = Side * Math.Max(1, Side / columns);
        _rowDimension = dimension;
        for (long row = 0; row < rows; row += mostRows)
        {
            _rows = Math.Min(mostRows, rows - row);
            for (long column = 0; column < columns; column += mostColumns)
            {
                _columns = Math.Min(mostColumns, columns - column);
                CopyTile(
                    dimension + 1,
                    from + (row * _fromSteps[dimension]) + (column * _fromSteps[last]),
                    to + (row * _toSteps[dimension]) + (column * _toSteps[last]));
            }
        }
    }

    // Copies the tile at each index of the dimensions between its rows and its columns.
    private readonly void CopyTile(int dimension, byte* from, byte* to)
    {
        if (dimension < _shape.Length - 1)
        {
            for (long i = 0; i < _shape[dimension]; i++, from += _fromSteps[dimension], to += _toSteps[dimension])
            {
                CopyTile(dimension + 1, from, to);
            }

            return;
        }

        // An element of a register's size is copied by one load and one store, so it is never torn.
        switch (_size)
        {
            case sizeof(byte):
                CopyTile<byte>(from, to);
                break;
            case sizeof(ushort):
                CopyTile<ushort>(from, to);
                break;
            case sizeof(uint):
                CopyTile<uint>(from, to);
                break;
            case sizeof(ulong):
                CopyTile<ulong>(from, to);
                break;
            case 2 * sizeof(ulong):
                CopyTile<(ulong, ulong)>(from, to);
                break;
            default:
                for (long row = 0; row < _rows; row++, from += _fromSteps[_rowDimension], to += _toSteps[_rowDimension])
                {
                    for (long column = 0; column < _columns; column++)
                    {
                        Buffer.MemoryCopy(from + (column * _fromSteps[^1]), to + (column * _toSteps[^1]), _size, _size);
                    }
                }

                break;
        }
    }

    private readonly void CopyTile<T>(byte* from, byte* to)
        where T : unmanaged
    {
        long fromStep = _fromSteps[^1];
        long toStep = _toSteps[^1];
        for (long row = 0; row < _rows; row++, from += _fromSteps[_rowDimension], to += _toSteps[_rowDimension])
        {
            byte* source = from;
            byte* target = to;
            for (long column = 0; column < _columns; column++, source += fromStep, target += toStep)
            {
                *(T*)target = *(T*)source;
            }
        }
    }
}
