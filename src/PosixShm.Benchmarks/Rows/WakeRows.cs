using System.Diagnostics;
using PosixShm.Benchmarks.Measuring;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Wake-ups: from the call of the process that wakes another one to the return of the other one's wait.</summary>
internal static class WakeRows
{
    private const string Futex = "C futex";

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(2);

    public static RowResult Lock(Contest contest) => Of(contest, "hand-over of a lock to a sleeping process", "lock");

    public static RowResult Changed(Contest contest) => Of(contest, "signal of a change to a sleeping process", "event");

    public static RowResult Spinning(Contest contest)
        => Of(contest, "signal of a change to a spinning process; C sleeps", "event", "event-spin");

    public static RowResult Asynchronous(Contest contest)
        => Of(contest, "signal of a change to an asynchronous waiter; C blocks", "event", "event-async");

    /// <summary>Measures the wake-ups of asynchronous waiters at many words, each from the signal to the waiter's next instruction. A
    /// thread that blocks is woken in the same way.</summary>
    public static RowResult Thousand(Contest contest)
    {
        const int Waiters = 1000;
        SharedArray<int>[] arrays = [.. Enumerable.Range(0, Waiters).Select(static _ => SharedArray.CreateAnonymous<int>(1))];
        ChangeCounter[] counters = [.. arrays.Select(static array => array.ChangeCounter)];
        Task<long>[] waits = new Task<long>[Waiters];
        int next = 0;
        RowResult row = contest.Sleep.Measure(
            "wake-up of each of 1,000 asynchronous waiters",
            [
                Signalled("a blocked thread", () => (counters[0], Task.Factory.StartNew(
                    () => Block(counters[0]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))),
                Signalled(Contender.Ours, () =>
                {
                    // All of them wait, and they are woken in turn.
                    for (int i = 1; i < Waiters; i++)
                    {
                        waits[i] = waits[i] is null or { IsCompleted: true } ? Await(counters[i]) : waits[i];
                    }

                    next = (next % (Waiters - 1)) + 1;
                    return (counters[next], waits[next]);
                }),
            ],
            []);
        Array.ForEach(counters, static counter => counter.Signal());
        Task.WaitAll(waits.Skip(1));
        Array.ForEach(arrays, static array => array.Dispose());
        return row;

        static long Block(ChangeCounter counter)
        {
            _ = counter.Wait(counter.Count);
            return Stopwatch.GetTimestamp();
        }

        static async Task<long> Await(ChangeCounter counter)
        {
            _ = await counter.WaitAsync(counter.Count).ConfigureAwait(false);
            return Stopwatch.GetTimestamp();
        }
    }

    // Signals after a pause, in which the waiter falls asleep.
    private static Contender Signalled(string name, Func<(ChangeCounter Counter, Task<long> Woken)> wait) => new(name, (batch, noted) =>
    {
        long count = Math.Max(1, (long)(batch / s_pause));
        List<double> took = [];
        for (long i = 0; i < count; i++)
        {
            (ChangeCounter counter, Task<long> woken) = wait();
            Thread.Sleep(s_pause);
            long start = Stopwatch.GetTimestamp();
            _ = counter.Signal();
            took.Add(Stopwatch.GetElapsedTime(start, woken.Result).TotalNanoseconds);
        }

        took.Sort();
        noted.AddRange(took);
        return took[took.Count / 2];
    });

    private static RowResult Of(Contest contest, string title, string what, string? ownSleep = null)
    {
        string sleep = $"{what}-sleep";
        string wake = $"{what}-wake";
        using Scratch arena = new(Arena.Size);
        using Pair twins = new(() => Worker.Of(contest.Tools.Twin));
        using Pair selves = new(Worker.Self);
        return contest.Sleep.Measure(
            title,
            [twins.Contender(Futex, sleep, wake, arena, Arena.Lock), selves.Contender(Contender.Ours, ownSleep ?? sleep, wake, arena)],
            []);
    }
}
