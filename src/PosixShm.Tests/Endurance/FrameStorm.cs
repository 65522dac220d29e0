using System.Diagnostics;
using System.Globalization;
using Mono.Unix.Native;
using PosixShm.Elements;
using PosixShm.Native;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>
/// A stream whose writer is killed at steps and at random, and three readers: the newest frame copied through a read-only attachment, every
/// frame in order with sleeps between them, and the newest frame in place. Every frame that a reader accepts must be whole, with the
/// bytes of its number. <c>./build.sh soak</c> runs it in full.
/// </summary>
internal static class FrameStorm
{
    private const int Slots = 4;
    private const int Readers = 3;

    // A line of counts for each reader, and one for the writer and the driver, so that they do not slow each other down.
    private const int Line = 16;
    private const int Driver = Readers * Line;

    // A reader that is not woken within this time is not woken at all. Successors of a killed writer wake the readers within milliseconds.
    private const int LostAfterMilliseconds = 20_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(30);

    private enum Count
    {
        Accepted,
        Overtaken,
        Missed,
        Slept,
        Starved,
        Torn,
        OutOfOrder,
        WrongSum,
        LostWakeUp,
    }

    private enum Driving
    {
        Stop = Driver,
        DiesNow,
        DiedAtStep,
        DiedInHalfFrame,
        Damaged,
    }

    private enum Step
    {
        Reserved,
        HalfFilled,
        Filled,
        BeforeWakeUp,
        Steps,
    }

    /// <summary>Runs one storm until all numbers are reached, and returns what happened.</summary>
    /// <param name="name">The name of the stream.</param>
    /// <param name="bytes">The size of a frame.</param>
    /// <param name="reads">How many frames are accepted at least.</param>
    /// <param name="kills">How many writers are killed at least.</param>
    /// <param name="seed">The seed of the random numbers.</param>
    public static string Storm(string name, int bytes, long reads, int kills, int seed)
    {
        const int LeastOvertaken = 1000;
        Random random = new(seed);
        using SharedFrames<ulong> stream = SharedFrames.Create<ulong>(name, Slots, bytes / sizeof(ulong));
        using SharedArray<long> counts = SharedArray.Create<long>(CountsOf(name), Driver + Line);
        SharedFrames.Create<ulong>(WarmOf(name), Slots, bytes / sizeof(ulong)).Dispose();
        using ChildProcess writers = ChildProcess.Start(
            [.. ForkServer.Environment, (FailingShim.DieAt, "none")], Serve, name, $"{seed}");
        writers.Expect("READY");
        using ChildProcess copier = ChildProcess.Start(CopyNewest, name);
        using ChildProcess sleeper = ChildProcess.Start(ReadInOrder, name);
        using ChildProcess user = ChildProcess.Start(UseInPlace, name);
        ChildProcess[] readers = [copier, sleeper, user];
        Stopwatch time = Stopwatch.StartNew();
        int killed = 0;
        long newest = 0;
        while (killed < kills || Sum(Count.Accepted) < reads || Sum(Count.Overtaken) < LeastOvertaken || Sum(Count.Slept) < kills)
        {
            // The writer dies at a step that it has chosen, and otherwise after some time.
            long dies = Environment.TickCount64 + random.Next(1, 60);
            while (Environment.TickCount64 < dies && Volatile.Read(ref counts[(long)Driving.DiesNow]) == 0)
            {
                Thread.Sleep(1);
            }

            Assert.That(readers.Any(reader => reader.HasExited), Is.False, () => string.Concat(readers.Select(reader => reader.Errors)));
            Assert.That(time.Elapsed, Is.LessThan(s_limit), Report);
            counts[(long)Driving.DiesNow] = 0;
            writers.Send("0");
            writers.Expect("KILLED");
            writers.Expect("READY");
            killed++;
        }

        Volatile.Write(ref counts[(long)Driving.Stop], 1);
        writers.WaitForSuccess();
        SharedArray.Delete(WarmOf(name));

        // Its frames end the sleeps of readers whose last writer is dead.
        newest = stream.NewestNumber;
        using (FrameWriter<ulong> last = stream.OpenWriter())
        {
            for (int i = 1; i <= 3 * Slots; i++)
            {
                using FrameSlot<ulong> slot = last.Reserve();
                Assert.That(slot.Number, Is.EqualTo(newest + i), "the next writer goes on");
                Fill(slot.Span, slot.Number, 0);
                slot.Commit();
            }
        }

        Array.ForEach(readers, reader => reader.WaitForSuccess());
        Assert.That(
            (Sum(Count.Torn), Sum(Count.OutOfOrder), Sum(Count.WrongSum), Sum(Count.LostWakeUp), counts[(long)Driving.Damaged]),
            Is.EqualTo((0L, 0L, 0L, 0L, 0L)),
            Report);
        Assert.That(counts[(long)Driving.DiedAtStep], Is.Positive, Report);
        return Report();

        long Sum(Count count) => Enumerable.Range(0, Readers).Sum(reader => Volatile.Read(ref counts[(reader * Line) + (int)count]));

        string Report() => string.Create(
            CultureInfo.InvariantCulture,
            $"{bytes} bytes, seed {seed}, {time.Elapsed.TotalSeconds:N0} s: {newest:N0} frames, {killed:N0} writers killed "
            + $"({counts[(long)Driving.DiedAtStep]:N0} at steps, {counts[(long)Driving.DiedInHalfFrame]:N0} in a frame); "
            + $"{Sum(Count.Accepted):N0} accepted, {Sum(Count.Overtaken):N0} overtaken, {Sum(Count.Missed):N0} missed in order, "
            + $"{Sum(Count.Slept):N0} sleeps ({Sum(Count.Starved)} without a writer); torn {Sum(Count.Torn)}, "
            + $"out of order {Sum(Count.OutOfOrder)}, wrong sums {Sum(Count.WrongSum)}, lost wake-ups {Sum(Count.LostWakeUp)}");
    }

    private static string CountsOf(string name) => name + "-counts";

    private static string WarmOf(string name) => name + "-warm";

    private static int Serve(string[] args)
    {
        int seed = int.Parse(args[1], CultureInfo.InvariantCulture);
        return ForkServer.Run(
            1,
            () => Write(WarmOf(args[0]), CountsOf(args[0]), seed, 500, static () => { }),
            ready => Write(args[0], CountsOf(args[0]), seed ^ Syscall.getpid(), int.MaxValue, ready),
            () => CheckAfterDeath(args[0]));
    }

    // The invariant of the counters after every death.
    private static void CheckAfterDeath(string name)
    {
        FrameCounters left = FrameCounters.Read("/dev/shm/" + name);
        using SharedArray<long> counts = SharedArray.Attach<long>(CountsOf(name));
        counts[(long)Driving.DiedInHalfFrame] += left.Reserved == left.Head + 1 ? 1 : 0;
        counts[(long)Driving.Damaged] += left.Reserved - left.Head > 1 ? 1 : 0;
    }

    private static void Write(string name, string countsName, int seed, int frames, Action ready)
    {
        using SharedFrames<ulong> stream = SharedFrames.Attach<ulong>(name);
        using SharedArray<long> counts = SharedArray.Attach<long>(countsName);
        using FrameWriter<ulong> writer = stream.OpenWriter();
        ready();
        Random random = new(seed);
        bool isLarge = stream.FrameLength > 512;
        int diesAfter = frames == int.MaxValue && random.Next(2) == 0 ? random.Next(1, isLarge ? 40 : 3000) : -1;
        Step step = (Step)random.Next((int)Step.Steps);
        for (int i = 0; i < frames; i++)
        {
            Step? dies = i == diesAfter ? step : null;
            if (dies == Step.BeforeWakeUp)
            {
                // Dies there if a reader sleeps, or if the writer always wakes.
                counts[(long)Driving.DiedAtStep]++;
                FailingShim.DieNextAt("before-wake");
            }

            using FrameSlot<ulong> slot = writer.Reserve();
            DieAt(Step.Reserved, dies, counts);
            Span<ulong> words = slot.Span;
            Fill(words[..(words.Length / 2)], slot.Number, 0);
            DieAt(Step.HalfFilled, dies, counts);
            Fill(words[(words.Length / 2)..], slot.Number, words.Length / 2);
            DieAt(Step.Filled, dies, counts);
            slot.Commit();
            if (random.Next(isLarge ? 4 : 512) == 0)
            {
                // Lets the readers fall asleep.
                Thread.Sleep(1);
            }
        }
    }

    private static void DieAt(Step step, Step? dies, SharedArray<long> counts)
    {
        if (step == dies)
        {
            counts[(long)Driving.DiedAtStep]++;
            Volatile.Write(ref counts[(long)Driving.DiesNow], 1);
            _ = Syscall.kill(Syscall.getpid(), Signum.SIGKILL);
        }
    }

    private static void Fill(Span<ulong> words, long number, int first)
    {
        ulong word = WordOf((ulong)number, first);
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = unchecked(word + (ulong)i);
        }
    }

    private static ulong WordOf(ulong number, int i) => unchecked((number * 0x9E37_79B9_7F4A_7C15) + (ulong)i);

    private static bool IsFrame(ReadOnlySpan<ulong> words, long number) => IsFrame(words, WordOf((ulong)number, 0));

    private static bool IsFrame(ReadOnlySpan<ulong> words, ulong first)
    {
        ulong wrong = 0;
        for (int i = 0; i < words.Length; i++)
        {
            wrong |= words[i] ^ unchecked(first + (ulong)i);
        }

        return wrong == 0;
    }

    private static int CopyNewest(string[] args)
    {
        using SharedFrames<ulong> stream = SharedFrames.AttachReadOnly<ulong>(args[0]);
        using SharedArray<long> counts = SharedArray.Attach<long>(CountsOf(args[0]));
        FrameReader<ulong> reader = stream.OpenReader();
        ulong[] copy = new ulong[stream.FrameLength];
        Span<long> mine = counts.AsSpan(0, Line);
        for (long last = 0; Volatile.Read(ref counts[(long)Driving.Stop]) == 0;)
        {
            if (reader.TryReadNewest(copy, out long number))
            {
                mine[(int)Count.Accepted]++;
                mine[(int)Count.Torn] += IsFrame(copy, number) ? 0 : 1;
                mine[(int)Count.OutOfOrder] += number < last ? 1 : 0;
                last = number;
            }
        }

        return 0;
    }

    private static int ReadInOrder(string[] args)
    {
        using FrameStream stream = FrameStream.Of(
            SharedArray.Attach(args[0], ElementTypes.Of<ulong>(), SegmentAccess.ReadWrite, options: null));
        using SharedArray<long> counts = SharedArray.Attach<long>(CountsOf(args[0]));
        ulong first = Math.Max(stream.Head(), 1);
        FrameReader<ulong> reader = new(stream, first);
        ulong[] copy = new ulong[stream.FrameLength];
        Span<long> mine = counts.AsSpan(Line, Line);
        for (long last = (long)first - 1; Volatile.Read(ref counts[(long)Driving.Stop]) == 0;)
        {
            if (reader.ReadNext(copy, TimeSpan.Zero, out FrameInfo info) == FrameStatus.Frame)
            {
                mine[(int)Count.Accepted]++;
                mine[(int)Count.Torn] += IsFrame(copy, info.Number) ? 0 : 1;
                mine[(int)Count.OutOfOrder] += info.Number <= last ? 1 : 0;
                mine[(int)Count.WrongSum] += info.Number != last + 1 + info.Missed ? 1 : 0;
                mine[(int)Count.Missed] += info.Missed;
                last = info.Number;
            }
            else
            {
                // All frames up to this one were received or missed.
                Sleep(stream, first + (ulong)(mine[(int)Count.Accepted] + reader.TotalMissed), mine);
            }
        }

        return 0;
    }

    // The steps of WaitLoop, but with sleeps so long that a lost wake-up does not end by itself.
    private static unsafe void Sleep(FrameStream stream, ulong next, Span<long> mine)
    {
        FrameArrival arrival = new(stream, next);
        while (arrival.Probe(out int seen) != WaitStep.Done)
        {
            if (arrival.PrepareSleep(seen, out WaitPlace place) == WaitStep.Wait)
            {
                long start = Environment.TickCount64;
                int result = Interop.FutexWait(place.Word, place.Expected, LostAfterMilliseconds);
                mine[(int)Count.Slept]++;
                if (result < 0 && Environment.TickCount64 - start >= LostAfterMilliseconds)
                {
                    // Without a frame, the writers are slow, and no wake-up was due.
                    mine[(int)(stream.Head() >= next ? Count.LostWakeUp : Count.Starved)]++;
                }

                arrival.EndSleep();
            }
        }
    }

    private static int UseInPlace(string[] args)
    {
        using SharedFrames<ulong> stream = SharedFrames.Attach<ulong>(args[0]);
        using SharedArray<long> counts = SharedArray.Attach<long>(CountsOf(args[0]));
        FrameReader<ulong> reader = stream.OpenReader();
        Span<long> mine = counts.AsSpan(2 * Line, Line);
        (SharedFrames<ulong> Stream, SharedArray<long> Counts, bool IsSlow) state = (stream, counts, false);
        ulong last = 0;
        for (int turn = 0; Volatile.Read(ref counts[(long)Driving.Stop]) == 0; turn++)
        {
            state.IsSlow = turn % 16 == 0;
            long before = reader.TotalMissed;
            bool isWhole = reader.TryUseNewest(state, Use, out (ulong First, bool IsFrame) seen);
            ulong number = (ulong)reader.LastNumber;
            mine[(int)Count.Accepted] += isWhole ? 1 : 0;
            mine[(int)Count.Torn] += isWhole && (!seen.IsFrame || seen.First != WordOf(number, 0)) ? 1 : 0;
            mine[(int)Count.OutOfOrder] += number < last ? 1 : 0;
            mine[(int)Count.Overtaken] += isWhole || stream.NewestNumber == 0 ? 0 : 1;
            mine[(int)Count.WrongSum] += !isWhole && stream.NewestNumber > 0 && reader.TotalMissed < before ? 1 : 0;
            last = number;
        }

        return 0;

        // A slow use waits until the writer has overtaken it.
        static (ulong First, bool IsFrame) Use(
            ReadOnlySpan<ulong> words, (SharedFrames<ulong> Stream, SharedArray<long> Counts, bool IsSlow) state)
        {
            ulong first = words[0];
            bool isFrame = IsFrame(words, first);
            long until = state.IsSlow ? state.Stream.NewestNumber + Slots : 0;
            while (state.Stream.NewestNumber < until && Volatile.Read(ref state.Counts[(long)Driving.Stop]) == 0)
            {
                Thread.Sleep(0);
            }

            return (first, isFrame);
        }
    }
}
