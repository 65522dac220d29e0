using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>An array whose elements have no C# type (text, bytes, structures, dates, the other byte order; see
/// <see cref="OpaqueElement"/>), or an array of a foreign file whose elements are not aligned. Each value is a copy.</summary>
internal sealed class OpaqueSharedArray(AttachedArray array, SegmentAccess access) : UntypedSharedArray(array)
{
    private readonly ManagedType? _managed = ElementTypes.Find(array.Header.Type);

    public override Type? ElementType => _managed?.Type;

    public override bool IsReadOnly => access == SegmentAccess.ReadOnly;

    public override object GetValue(long index)
    {
        using Use use = new(this);
        ReadOnlySpan<byte> element = ElementOf(use, index);
        object value = _managed?.Operations.Read(element) ?? OpaqueElement.Read(Header.Type, element);
        ThrowIfLost();
        return value;
    }

    public override void SetValue(object value, long index)
    {
        if (IsReadOnly)
        {
            throw new NotSupportedException($"'{Name}' is attached read-only.");
        }

        using Use use = new(this);
        Span<byte> element = ElementOf(use, index);
        byte[] bytes = ElementTypes.Bytes(Header.Type, value);

        // Text that is set to itself keeps its bytes: a string cannot represent separate halves of a surrogate pair, or a value that is not
        // a code point.
        if (value is not string text || !text.Equals(OpaqueElement.Read(Header.Type, element)))
        {
            bytes.CopyTo(element);
        }

        ThrowIfLost();
    }

    private unsafe Span<byte> ElementOf(scoped in Use use, long index) => new(use.Element(index), ItemSize);
}
