using System.Net.Sockets;

namespace PosixShm.Segments;

/// <summary>The mapped segments, to name the one that lost its memory.</summary>
/// <remarks>
/// A system call that meets lost memory, as <c>read(2)</c> into a span, fails with EFAULT and raises no signal, so nothing marks the
/// segment. The exception for that error is therefore the occasion to compare the size of every mapped file with what is used of it.
/// </remarks>
internal static unsafe class LostMemory
{
    /// <summary>Gets the segments that are mapped.</summary>
    public static Registry<Segment> Segments { get; } = Watched();

    /// <summary>Gives the name of the segment behind a lost word; null for none, and for a segment that is still being created.</summary>
    public static string? NameOf(int* lost)
        => lost is null ? null : Array.Find(Segments.All(), segment => segment.Lost == lost)?.Name.Value;

    private static Registry<Segment> Watched()
    {
        AppDomain.CurrentDomain.FirstChanceException += static (_, args) =>
        {
            if (args.Exception is IOException { HResult: SegmentError.BadAddress } or SocketException { SocketErrorCode: SocketError.Fault })
            {
                Array.ForEach(Segments.All(), static segment => segment.CheckSize());
            }
        };
        return new();
    }
}
