using System.Diagnostics;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>A writer of frames of 1 MiB and its readers, which are processes of this program.</summary>
internal sealed class FrameTeam : IDisposable
{
    private const int Slots = 8;

    private readonly Scratch _arena = new(Arena.Size);
    private readonly SharedFrames<long> _frames;
    private readonly Worker _writer = Worker.Self();
    private readonly List<Worker> _readers = [];

    public FrameTeam(int readers)
    {
        _frames = SharedFrames.Create<long>(NameOf(_arena), Slots, (1 << 20) / sizeof(long));
        for (int i = 0; i < readers; i++)
        {
            _readers.Add(Worker.Self());
        }
    }

    /// <summary>Returns the name of the stream beside an arena.</summary>
    public static string NameOf(Scratch arena) => NameOf(arena.Name);

    /// <inheritdoc cref="NameOf(Scratch)"/>
    public static string NameOf(string arena) => arena + "-frames";

    /// <summary>
    /// Creates a contender that lets all processes work for the length of a batch. The time of an operation is that length, divided by the
    /// number of frames that a reader has received, on average: frames that the writer overwrote before are not counted.
    /// </summary>
    public Contender Contender(string write, string read) => new(Measuring.Contender.Ours, (batch, shares) =>
    {
        Span<long> words = Arena.Clear(_arena.Array);
        _writer.Ask(write, 0, _arena.Path, 0);
        _readers.ForEach(reader => reader.Ask(read, 0, _arena.Path, 0));
        Arena.Await(ref words[Arena.Ready], _readers.Count + 1);
        long start = Stopwatch.GetTimestamp();
        Volatile.Write(ref words[Arena.Phase], Arena.Going);
        Thread.Sleep(batch);
        Volatile.Write(ref words[Arena.Phase], Arena.Over);
        double took = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        long[] received = [.. _readers.Select(static reader => reader.Answer()[0])];
        long written = _writer.Answer()[0];
        shares.Add(received.Average() / written);
        return took / received.Average();
    });

    public void Dispose()
    {
        _writer.Dispose();
        _readers.ForEach(static reader => reader.Dispose());
        SharedArray.Delete(_frames.Name);
        _frames.Dispose();
        _arena.Dispose();
    }
}
