using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>A C# type that stands for an element type, for code that learns the type only when it runs.</summary>
internal interface IManagedType
{
    /// <summary>Gets the C# type.</summary>
    Type Type { get; }

    /// <summary>Gets numpy's name, as in <c>float64</c>.</summary>
    string Name { get; }

    /// <summary>Gets what the format calls it.</summary>
    ElementType ElementType { get; }

    /// <summary>Makes the typed array of an attached one.</summary>
    SharedArray Wrap(AttachedArray array, SegmentAccess access);
}

internal sealed unsafe class ManagedType<T>(char kind, string name) : IManagedType
    where T : unmanaged
{
    public Type Type => typeof(T);

    public string Name { get; } = name;

    public ElementType ElementType { get; } = ScalarType.Native(kind, sizeof(T));

    public SharedArray Wrap(AttachedArray array, SegmentAccess access)
        => access == SegmentAccess.ReadOnly ? new ReadOnlySharedArray<T>(array) : new SharedArray<T>(array);
}
