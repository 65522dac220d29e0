using System.Buffers;

namespace PosixShm.Posix;

/// <summary>Presents a mapping as <see cref="Memory{T}"/>. The mapping owns its memory, and each pin holds a reference.</summary>
internal sealed class MappingMemory(MemoryMapping mapping) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => mapping.WholeSpan();

    public override MemoryHandle Pin(int elementIndex = 0) => mapping.Pin(elementIndex);

    public override void Unpin()
    {
        // Each pin releases its reference itself.
    }

    protected override void Dispose(bool disposing)
    {
        // The mapping outlives its memory manager, and is disposed by its owner.
    }
}
