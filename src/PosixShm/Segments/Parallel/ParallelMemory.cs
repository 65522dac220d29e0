using System.Runtime.InteropServices;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Work that may touch much memory. One processor alone uses at most half of the memory's bandwidth, and allocates new pages one
/// after the other. So several processors share large work in pieces; docs/BENCHMARKS.md has the gain.</summary>
internal static unsafe class ParallelMemory
{
    // One thread completes a smaller copy before a second one has begun.
    private const long LeastToCopy = 16 << 20;

    // New pages are cleared first, which takes longer.
    private const long LeastToPopulate = 4 << 20;

    // The size of a huge page, so that no two processors populate the same one.
    private const long Piece = 2 << 20;

    /// <summary>Copies from or to mappings. Returns null, or the lost word of the mapping that lost memory.</summary>
    public static int* Copy(void* destination, void* source, long bytes)
    {
        byte* to = (byte*)destination;
        byte* from = (byte*)source;
        bool isOverlapping = to < from + bytes && from < to + bytes;
        return isOverlapping || bytes < LeastToCopy
            ? Interop.Copy(to, from, (ulong)bytes)
            : CopyInPieces(to, from, bytes);
    }

    /// <summary>Sets every element of a mapping. Returns null, or the lost word if the mapping lost memory.</summary>
    public static int* Fill(void* elements, long length, void* element, int size)
    {
        long bytes = length * size;
        return bytes == 0 ? null
            : bytes < LeastToCopy ? Interop.Fill(elements, (ulong)bytes, element, (ulong)size)
            : FillInPieces((byte*)elements, length, element, size);
    }

    /// <summary>Maps every page for stores. Returns 0 or the error: EINVAL from kernels before 5.14, or a lack of space.</summary>
    public static int Populate(nint address, long bytes)
        => bytes < LeastToPopulate
            ? PopulatePiece(address, bytes)
            : (int)InPieces(bytes, Piece, (start, length) => PopulatePiece(address + (nint)start, length));

    // Methods of their own, because a lambda allocates at the start of the method that has it, on every path.
    private static int* CopyInPieces(byte* to, byte* from, long bytes)
        => (int*)InPieces(bytes, Piece, (start, length) => (nint)Interop.Copy(to + start, from + start, (ulong)length));

    private static int* FillInPieces(byte* elements, long length, void* element, int size)
        => (int*)InPieces(
            length,
            Math.Max(1, Piece / size),
            (start, count) => (nint)Interop.Fill(elements + (start * size), (ulong)(count * size), element, (ulong)size));

    private static int PopulatePiece(nint address, long bytes)
        => Interop.MAdvise(address, (ulong)bytes, Interop.MemoryAdvice.ADVICE_POPULATE_WRITE) == 0 ? 0 : Marshal.GetLastPInvokeError();

    // The first failure ends the work, because lost memory is lost for all pieces. Returns it, or 0.
    private static nint InPieces(long total, long piece, Func<long, long, nint> work)
    {
        long next = 0;
        nint failure = 0;
        WorkSharing.Run(WorkOn, WorkOn);
        return failure;

        // Each thread acquires the next piece.
        void WorkOn()
        {
            for (long start = Take(); start < total && Volatile.Read(ref failure) == 0; start = Take())
            {
                if (work(start, Math.Min(piece, total - start)) is nint result and not 0)
                {
                    Volatile.Write(ref failure, result);
                }
            }
        }

        long Take() => Interlocked.Add(ref next, piece) - piece;
    }
}
