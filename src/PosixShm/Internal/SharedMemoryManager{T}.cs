using System.Buffers;

namespace PosixShm;

/// <summary>Lets an array be used as <see cref="Memory{T}"/>. It owns nothing: the array does, and a pin holds a reference of its own.</summary>
internal sealed class SharedMemoryManager<T>(TypedSharedArray<T> array) : MemoryManager<T>
    where T : unmanaged
{
    public override Span<T> GetSpan() => array.SpanOf();

    public override MemoryHandle Pin(int elementIndex = 0) => array.Pin(elementIndex);

    public override void Unpin()
    {
        // Each pin releases its own reference.
    }

    protected override void Dispose(bool disposing)
    {
        // Whoever has the memory is not the one to detach the array.
    }
}
