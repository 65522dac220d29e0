using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>An array for whose elements this program has no C# type: text, bytes, structures, dates, or the other byte order; see <see cref="OpaqueElement"/>.</summary>
internal sealed unsafe class OpaqueSharedArray : SharedArray
{
    private readonly SegmentAccess _access;

    public OpaqueSharedArray(AttachedArray array, SegmentAccess access)
        : base(array) => _access = access;

    public override Type? ElementType => null;

    private protected override bool IsReadOnly => _access == SegmentAccess.ReadOnly;

    public override object GetValue(long index) => OpaqueElement.Read(Header.Type, Element(index));

    public override void SetValue(object value, long index)
    {
        if (IsReadOnly)
        {
            throw new NotSupportedException($"'{Name}' is attached to read only.");
        }

        Span<byte> element = Element(index);
        OpaqueElement.Bytes(Header.Type, value).CopyTo(element);
    }

    private Span<byte> Element(long index)
    {
        byte* data = Data;
        return IsOutside(index, Length)
            ? throw new IndexOutOfRangeException($"'{Name}' has the shape {ShapeText.Of(Shape.AsSpan())}, and no element at {index}.")
            : new Span<byte>(data + (index * ItemSize), ItemSize);
    }
}
