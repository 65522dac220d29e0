using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Streams of frames: large ones to one and to three readers, and the time from the writer to a reader of small ones.</summary>
internal static class FrameRows
{
    private const string Socket = "C Unix socket";
    private const string Pipe = "C pipe";
    private const string Queue = "multiprocessing.Queue";

    public static RowResult OneReader(Contest contest) => Large(contest, "frame of 1 MB to 1 reader, every byte", 1, [1.0]);

    // The others send each frame three times.
    public static RowResult ThreeReaders(Contest contest) => Large(contest, "frame of 1 MB to 3 readers, every byte", 3, [1 / 1.5]);

    public static RowResult Untouched(Contest contest)
    {
        using FrameTeam team = new(1);
        return contest.Competition.Measure(
            "frame of 1 MB to 1 reader, no byte touched",
            [
                team.Contender("frames-post", "frames-look"),
                Contender.Counted(Pipe, count => contest.Twin.Run("pipe-pass", count, Scratch.NewPath(), 1)),
                Contender.Counted(Socket, count => contest.Twin.Run("socket-pass", count, Scratch.NewPath(), 1)),
            ],
            []);
    }

    public static RowResult Asleep(Contest contest)
        => Small(contest, "frame of 64 bytes to a sleeping reader", "frame-sleep", Pair.SleepNanoseconds, [new Gate(1.3)]);

    public static RowResult Spinning(Contest contest)
        => Small(contest, "frame of 64 bytes to a spinning reader", "frame-spin", Pair.SpinNanoseconds, []);

    private static RowResult Large(Contest contest, string title, int readers, IReadOnlyList<double> gates)
    {
        using FrameTeam team = new(readers);
        return contest.Competition.Measure(
            title,
            [
                Contender.Counted(Socket, count => contest.Twin.Run("socket-send", count, Scratch.NewPath(), readers)),
                team.Contender("frames-write", "frames-use"),
                Contender.Counted(Pipe, count => contest.Twin.Run("pipe-send", count, Scratch.NewPath(), readers)),
                Contender.Counted(Queue, count => contest.Python.Run("queue-send", count, Scratch.NewPath(), readers)),
            ],
            [.. gates.SelectMany(atMost => new[] { new Gate(atMost), new Gate(atMost, Pipe), new Gate(atMost, Queue) })]);
    }

    private static RowResult Small(Contest contest, string title, string read, int pause, IReadOnlyList<Gate> gates)
    {
        using Scratch arena = new(Arena.Size);
        using SharedFrames<long> frames = SharedFrames.Create<long>(FrameTeam.NameOf(arena), 8, 8);
        using Pair twins = new(() => Worker.Of(contest.Tools.Twin), pause);
        using Pair selves = new(Worker.Self, pause);
        try
        {
            return contest.Sleep.Measure(
                title,
                [
                    twins.Contender("C futex", read, "frame-post", arena, Arena.Lock),
                    selves.Contender(Contender.Ours, read, "frame-post", arena),
                ],
                gates);
        }
        finally
        {
            SharedArray.Delete(frames.Name);
        }
    }
}
