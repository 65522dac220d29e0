using System.Runtime.InteropServices;
using PosixShm.Arrays;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <summary>A C# type that stands for an element type.</summary>
/// <param name="type">The C# type.</param>
/// <param name="name">numpy's name, as in <c>float64</c>.</param>
/// <param name="elementType">What the format calls it.</param>
/// <param name="arrays">Makes what knows the type when it is compiled. Only on demand: the compiler that runs at start-up has to do each type anew.</param>
internal sealed class ManagedType(Type type, string name, ElementType elementType, Func<TypedArrays> arrays)
{
    public Type Type { get; } = type;

    public string Name { get; } = name;

    public ElementType ElementType { get; } = elementType;

    public TypedArrays Arrays => arrays();
}

/// <summary>What can be done with arrays of one C# type by code that learns the type only when it runs.</summary>
internal abstract class TypedArrays
{
    /// <summary>Makes the typed array of an attached one.</summary>
    public abstract SharedArray Wrap(AttachedArray array, SegmentAccess access);

    /// <summary>Makes what fills an array of so many elements with one value.</summary>
    /// <exception cref="InvalidCastException">The value is of another type.</exception>
    public abstract SegmentFiller Filler(object value, long length);

    /// <summary>Copies an element, wherever it lies.</summary>
    public abstract object Read(ReadOnlySpan<byte> element);

    /// <summary>Gives the bytes of an element.</summary>
    /// <exception cref="InvalidCastException">The value is of another type.</exception>
    public abstract byte[] Bytes(object value);
}

internal sealed unsafe class TypedArrays<T> : TypedArrays
    where T : unmanaged
{
    public static SegmentFiller Filler(T value, long length) => address =>
    {
        T element = value;
        _ = LargeMemory.Fill((void*)address, length, &element, sizeof(T));
    };

    public override SharedArray Wrap(AttachedArray array, SegmentAccess access)
        => access == SegmentAccess.ReadOnly ? new ReadOnlySharedArray<T>(array) : new SharedArray<T>(array);

    public override object Read(ReadOnlySpan<byte> element) => MemoryMarshal.Read<T>(element);

    public override byte[] Bytes(object value)
    {
        T element = (T)value;
        return new ReadOnlySpan<byte>(&element, sizeof(T)).ToArray();
    }

    public override SegmentFiller Filler(object value, long length) => value is T element
        ? Filler(element, length)
        : throw new InvalidCastException($"An element of type {typeof(T)} cannot be a {value.GetType()}.");
}
