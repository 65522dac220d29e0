using System.Runtime.InteropServices;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>
/// Work that may touch much memory. One processor alone uses half of the memory's bandwidth, or less, and takes new pages one after the other,
/// so large work is done in pieces by several. docs/BENCHMARKS.md has what that gains.
/// </summary>
internal static unsafe class LargeMemory
{
    // Of memory that is there already, less is done by one before a second one has begun.
    private const long LeastToCopy = 16 << 20;

    // New pages are cleared first, which takes longer.
    private const long LeastToPopulate = 4 << 20;

    // As large as a huge page, so that no two processors populate the same one.
    private const long Piece = 2 << 20;

    /// <summary>Copies from or to a mapping; false if its memory is gone, and then some of it may be copied.</summary>
    public static bool TryCopy(void* destination, void* source, long bytes)
    {
        byte* to = (byte*)destination;
        byte* from = (byte*)source;
        bool isOverlapping = to < from + bytes && from < to + bytes;
        return isOverlapping || bytes < LeastToCopy ? TryCopyPiece(to, from, bytes) : TryCopyInPieces(to, from, bytes);
    }

    /// <summary>Copies what is no array's to a mapping. Lost memory on either side is what it is for any other access: zeros, or the process's death.</summary>
    public static void Copy(void* destination, void* source, long bytes)
    {
        if (bytes < LeastToCopy)
        {
            Buffer.MemoryCopy(source, destination, bytes, bytes);
        }
        else
        {
            byte* to = (byte*)destination;
            byte* from = (byte*)source;
            InPieces(bytes, Piece, (start, length) => Buffer.MemoryCopy(from + start, to + start, length, length));
        }
    }

    /// <summary>Sets every element.</summary>
    public static void Fill<T>(T* elements, long length, T value)
        where T : unmanaged
    {
        if (length * sizeof(T) < LeastToCopy)
        {
            new Span<T>(elements, (int)length).Fill(value);
        }
        else
        {
            FillInPieces(elements, length, value);
        }
    }

    /// <summary>Maps every page, to be written. Returns 0 or the error: kernels before 5.14 cannot, and there may be no space.</summary>
    public static int Populate(nint address, long bytes)
        => bytes < LeastToPopulate ? PopulatePiece(address, bytes) : PopulateInPieces(address, bytes);

    private static int PopulateInPieces(nint address, long bytes)
    {
        int error = 0;
        InPieces(bytes, Piece, (start, length) =>
        {
            if (Volatile.Read(ref error) == 0 && PopulatePiece(address + (nint)start, length) is int failure and not 0)
            {
                Volatile.Write(ref error, failure);
            }
        });
        return error;
    }

    private static bool TryCopyInPieces(byte* to, byte* from, long bytes)
    {
        bool isLost = false;
        InPieces(bytes, Piece, (start, length) =>
        {
            if (!TryCopyPiece(to + start, from + start, length))
            {
                Volatile.Write(ref isLost, true);
            }
        });
        return !isLost;
    }

    private static void FillInPieces<T>(T* elements, long length, T value)
        where T : unmanaged
        => InPieces(length, Math.Max(1, Piece / sizeof(T)), (start, count) => new Span<T>(elements + start, (int)count).Fill(value));

    private static bool TryCopyPiece(byte* to, byte* from, long bytes) => Interop.Copy(to, from, (ulong)bytes) == 0;

    private static int PopulatePiece(nint address, long bytes)
        => Interop.MAdvise(address, (ulong)bytes, Interop.MemoryAdvice.ADVICE_POPULATE_WRITE) == 0 ? 0 : Marshal.GetLastPInvokeError();

    private static void InPieces(long total, long piece, Action<long, long> work)
    {
        long next = 0;
        Helpers.Run(WorkOn, WorkOn);

        // Each takes the next piece.
        void WorkOn()
        {
            for (long start = Take(); start < total; start = Take())
            {
                work(start, Math.Min(piece, total - start));
            }
        }

        long Take() => Interlocked.Add(ref next, piece) - piece;
    }
}
