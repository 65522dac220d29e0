using System.Runtime.InteropServices;

namespace PosixShm.Elements;

/// <summary>A C# type that stands for an element type.</summary>
/// <param name="Type">The C# type.</param>
/// <param name="Name">numpy's name, as in <c>float64</c>.</param>
/// <param name="Kind">numpy's letter for the kind of the element type in files.</param>
/// <param name="Size">The bytes of one element.</param>
/// <param name="Make">Makes the operations, on demand, because the compiler that runs at start-up compiles them for each type.</param>
internal sealed record ManagedType(Type Type, string Name, char Kind, int Size, Func<ElementOperations> Make)
{
    public DType ElementType { get; } = ScalarType.Native(Kind, Size);

    public ElementOperations Operations => Make();
}

/// <summary>Work on a C# type that is a compile-time type only inside <see cref="Visit{T}"/>.</summary>
internal interface IElementTypeVisitor<out TResult>
{
    TResult Visit<T>()
        where T : unmanaged;
}

/// <summary>Operations on elements of one C# type, for callers that have the type only at run time.</summary>
internal abstract class ElementOperations
{
    /// <summary>Does work of another layer on the C# type.</summary>
    public abstract TResult Accept<TResult>(IElementTypeVisitor<TResult> visitor);

    /// <summary>Copies an element, whatever its alignment.</summary>
    public abstract object Read(ReadOnlySpan<byte> element);

    /// <summary>Returns the bytes of an element.</summary>
    /// <exception cref="InvalidCastException">The value is of a type that is not converted.</exception>
    public abstract byte[] Bytes(object value);
}

internal sealed unsafe class ElementOperations<T> : ElementOperations
    where T : unmanaged
{
    public override TResult Accept<TResult>(IElementTypeVisitor<TResult> visitor) => visitor.Visit<T>();

    public override object Read(ReadOnlySpan<byte> element) => MemoryMarshal.Read<T>(element);

    public override byte[] Bytes(object value)
    {
        T element = ElementValue.Convert<T>(value);
        return new ReadOnlySpan<byte>(&element, sizeof(T)).ToArray();
    }
}
