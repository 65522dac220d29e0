using System.Runtime.InteropServices;
using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>A C# type that stands for an element type.</summary>
/// <param name="Type">The C# type.</param>
/// <param name="Name">numpy's name, as in <c>float64</c>.</param>
/// <param name="ElementType">What the format calls it.</param>
/// <param name="Make">Makes what knows the type when it is compiled. Only on demand: the compiler that runs at start-up has to do each type anew.</param>
internal sealed record ManagedType(Type Type, string Name, DType ElementType, Func<TypedArrays> Make)
{
    public TypedArrays Arrays => Make();
}

/// <summary>What can be done with arrays of one C# type by code that learns the type only when it runs.</summary>
internal abstract class TypedArrays
{
    /// <summary>Makes the typed array of an attached one.</summary>
    public abstract UntypedSharedArray Wrap(AttachedArray array, SegmentAccess access);

    /// <summary>Copies an element, wherever it lies.</summary>
    public abstract object Read(ReadOnlySpan<byte> element);

    /// <summary>Gives the bytes of an element.</summary>
    /// <exception cref="InvalidCastException">The value is of a type that is not converted.</exception>
    public abstract byte[] Bytes(object value);
}

internal sealed unsafe class TypedArrays<T> : TypedArrays
    where T : unmanaged
{
    public override UntypedSharedArray Wrap(AttachedArray array, SegmentAccess access)
        => access == SegmentAccess.ReadOnly ? new ReadOnlySharedArray<T>(array) : new SharedArray<T>(array);

    public override object Read(ReadOnlySpan<byte> element) => MemoryMarshal.Read<T>(element);

    public override byte[] Bytes(object value)
    {
        T element = ElementValue.Convert<T>(value);
        return new ReadOnlySpan<byte>(&element, sizeof(T)).ToArray();
    }
}
