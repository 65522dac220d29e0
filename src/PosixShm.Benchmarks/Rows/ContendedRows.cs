using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Processes that compete for a lock, and change one element while they hold it.</summary>
internal static class ContendedRows
{
    private const string NamedMutex = "named Mutex";

    public static RowResult One(Contest contest) => Of(contest, 1);

    public static RowResult Two(Contest contest)
    {
        using Scratch arena = new(Arena.Size);
        using Team team = new(2, Worker.Self);
        return Of(
            contest,
            2,
            [
                team.Contender(NamedMutex, "mutex-contend", arena),
                Contender.Counted("multiprocessing.Lock", count => contest.Python.Run("contend", count, arena.Path, 2) / 2),
            ],
            [new Gate(1.3), new Gate(0.1, NamedMutex)]);
    }

    public static RowResult Four(Contest contest) => Of(contest, 4);

    public static RowResult Eight(Contest contest) => Of(contest, 8);

    private static RowResult Of(Contest contest, int processes, IReadOnlyList<Contender>? slow = null, IReadOnlyList<Gate>? gates = null)
    {
        const int Plain = Arena.Lock + Arena.LockSize;
        const int Robust = Plain + Arena.LockSize;
        const int Boost = Robust + Arena.LockSize;
        using Scratch arena = new(Arena.Size);
        using Team twins = new(processes, () => Worker.Of(contest.Tools.Twin));
        using Team boosts = new(processes, () => Worker.Of(contest.Tools.Boost));
        using Team selves = new(processes, Worker.Self);
        using Worker boost = Worker.Of(contest.Tools.Boost);
        _ = contest.Twin.Run("mutex-create", 1, arena.Path, Plain);
        _ = contest.Twin.Run("robust-create", 1, arena.Path, Robust);
        _ = boost.Run("boost-create", 1, arena.Path, Boost);
        return contest.Competition.Measure(
            $"lock + unlock, {processes} process{(processes == 1 ? string.Empty : "es")}",
            [
                twins.Contender("C futex", "futex-contend", arena, Arena.Lock),
                selves.Contender(Contender.Ours, "contend", arena),
                twins.Contender("C mutex", "mutex-contend", arena, Plain),
                twins.Contender("C robust mutex", "mutex-contend", arena, Robust),
                boosts.Contender("Boost interprocess_mutex", "boost-contend", arena, Boost),
                .. slow ?? [],
            ],
            gates ?? []);
    }
}
