using System.Buffers;

namespace PosixShm;

/// <summary>Presents an array as <see cref="Memory{T}"/>. The array owns its memory, and each pin holds a reference of its own.</summary>
internal sealed class SharedMemoryManager<T>(TypedSharedArray<T> array) : MemoryManager<T>
    where T : unmanaged
{
    public override Span<T> GetSpan() => array.SpanOf();

    public override MemoryHandle Pin(int elementIndex = 0) => array.Pin(elementIndex);

    public override void Unpin()
    {
        // Each pin releases its reference itself.
    }

    protected override void Dispose(bool disposing)
    {
        // The array outlives its memory manager, and is disposed by its owner.
    }
}
