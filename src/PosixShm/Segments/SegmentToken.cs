using System.Buffers;

namespace PosixShm.Segments;

/// <summary>One reference to a segment. It is released once, however many copies of its lease or its pin end.</summary>
/// <remarks>A token is reused. Each lease has a turn of its own, a number that is never used again, and only the end of that turn releases.
/// So a copy that ends late finds another turn.</remarks>
internal sealed class SegmentToken(Segment segment) : IPinnable
{
    private const long FirstTurn = 1;

    private long _turn;

    public Segment Segment => segment;

    /// <summary>Begins a turn, with a reference that the caller has added. Returns its number.</summary>
    public long Begin() => ++_turn;

    /// <summary>Returns whether a turn has not ended yet.</summary>
    public bool IsHeld(long turn) => Volatile.Read(ref _turn) == turn;

    /// <summary>Ends a turn, unless a copy has ended it before.</summary>
    public void End(long turn)
    {
        if (Interlocked.CompareExchange(ref _turn, turn + 1, turn) == turn)
        {
            segment.Return(this);
        }
    }

    /// <summary>Is never called, because a pin has its reference from the start.</summary>
    MemoryHandle IPinnable.Pin(int elementIndex) => throw new NotSupportedException();

    /// <summary>Ends a pin. Its turn is the first one of its token.</summary>
    void IPinnable.Unpin() => End(FirstTurn);
}
