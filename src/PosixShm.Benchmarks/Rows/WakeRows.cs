using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Wake-ups: from the call of the process that wakes another one to the return of the other one's wait.</summary>
internal static class WakeRows
{
    private const string Futex = "C futex";

    public static RowResult Lock(Contest contest) => Of(contest, "hand-over of a lock to a sleeping process", "lock");

    public static RowResult Changed(Contest contest) => Of(contest, "signal of a change to a sleeping process", "event");

    private static RowResult Of(Contest contest, string title, string what)
    {
        string sleep = $"{what}-sleep";
        string wake = $"{what}-wake";
        using Scratch arena = new(Arena.Size);
        using Pair twins = new(() => Worker.Of(contest.Tools.Twin));
        using Pair selves = new(Worker.Self);
        return contest.Sleep.Measure(
            title,
            [twins.Contender(Futex, sleep, wake, arena, Arena.Lock), selves.Contender(Contender.Ours, sleep, wake, arena)],
            []);
    }
}
