using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>The second mappings of a segment that is mapped as a private copy, shared and read-only: of one range, and of the whole. The
/// caller's gate protects them.</summary>
internal sealed unsafe class SharedViews(SegmentFile file) : IDisposable
{
    private Mapping? _range;
    private Mapping? _whole;

    /// <summary>Maps a range. It must be the same in each call.</summary>
    public Mapping MapRange(long start, long length) => _range ??= file.Map(length, SegmentAccess.ReadOnly, start);

    /// <summary>Maps the whole segment.</summary>
    public Mapping MapWhole(long length) => _whole ??= file.Map(length, SegmentAccess.ReadOnly);

    /// <summary>Returns whether a lost word is that of the whole segment's mapping.</summary>
    public bool HasLostWord(int* lost) => _whole is Mapping whole && lost == whole.Lost;

    public void Dispose()
    {
        _range?.Dispose();
        _whole?.Dispose();
    }
}
