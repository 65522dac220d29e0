using System.Net.Sockets;

namespace PosixShm.Segments;

/// <summary>The mapped segments, to find the name of one that lost its memory.</summary>
/// <remarks>A system call that meets lost memory, such as <c>read(2)</c> into a span, fails with EFAULT and raises no signal, so nothing
/// marks the segment. On the exception for that error, the size of every mapped file is therefore compared with its extent.</remarks>
internal static unsafe class LostMemory
{
    public static Registry<Segment> Segments { get; } = Watched();

    /// <summary>Gets the name of the segment that has a lost word. Null for no word, and for a segment that is being created.</summary>
    public static string? NameOf(int* lost)
        => lost is null ? null : Array.Find(Segments.All(), segment => segment.Lost == lost)?.Name.Value;

    private static Registry<Segment> Watched()
    {
        AppDomain.CurrentDomain.FirstChanceException += static (_, args) =>
        {
            if (args.Exception is IOException { HResult: SegmentError.BadAddress }
                or SocketException { SocketErrorCode: SocketError.Fault })
            {
                Array.ForEach(Segments.All(), static segment => segment.CheckSize());
            }
        };
        return new();
    }
}
