using PosixShm.Arrays;
using PosixShm.Elements;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>Creates the object for an attached array: a typed one if its element type has a C# type, and its elements are
/// aligned.</summary>
internal sealed class ArrayWrapper(AttachedArray array, SegmentAccess access) : IElementTypeVisitor<UntypedSharedArray>
{
    public static UntypedSharedArray Wrap(AttachedArray array, SegmentAccess access)
        => array.Header.IsAligned && ElementTypes.Find(array.Header.Type) is ManagedType type
            ? type.Operations.Accept(new ArrayWrapper(array, access))
            : new OpaqueSharedArray(array, access);

    public UntypedSharedArray Visit<T>()
        where T : unmanaged
        => access == SegmentAccess.ReadOnly ? new ReadOnlySharedArray<T>(array) : new SharedArray<T>(array);
}
