using System.Globalization;
using System.Runtime.InteropServices;
using Mono.Unix.Native;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>
/// Processes that read and write an array under its reader-writer lock, and are killed at random and at the steps of the shim. All elements
/// of the payload are equal, unless the lock is abandoned. Two threads of the killing process, which are in one attachment, take part.
/// </summary>
internal static partial class ReaderWriterStorm
{
    // Far longer than a wait after a death may last, so that only a lost wake-up or a dead lock exceeds it.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private const int Payload = 64;

    private static readonly string[] s_steps = ["before-sleep", "after-sleep", "before-wake", "after-wake"];

    internal enum Count
    {
        Kills,
        ReadsBegun,
        Reads,
        WritesBegun,
        Writes,
        Abandoned,
        Repaired,
        TornRepaired,
        TornUnnoticed,
        Late,
        LongestMilliseconds,
    }

    /// <summary>Runs a storm, and returns its counts.</summary>
    /// <param name="name">A name that no array has.</param>
    /// <param name="workers">How many processes there are at any time.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="mostKills">How many processes are killed.</param>
    public static long[] Run(string name, int workers, int seed, int mostKills)
    {
        string warm = name + "-warm";
        using SharedArray<long> array = SharedArray.Create<long>(name, Payload + Enum.GetValues<Count>().Length);
        SharedArray.Create<long>(warm, array.Length).Dispose();
        Random random = new(seed);
        using ChildProcess server = ChildProcess.Start(
            [.. ForkServer.Environment, (FailingShim.DieAt, "none")], Serve, name, warm, workers.ToString(CultureInfo.InvariantCulture));
        Array.ForEach(new int[workers], _ => server.Expect("READY"));
        bool isOver = false;
        Task[] threads = [.. Enumerable.Range(0, 2).Select(id => Task.Factory.StartNew(
            () => WorkUntil(array, new Random(seed + id), () => Volatile.Read(ref isOver)),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        int kills = 0;
        for (; kills < mostKills && !Array.Exists(threads, static thread => thread.IsCompleted); kills++)
        {
            Thread.SpinWait(random.Next(20_000));
            server.Send(random.Next(workers).ToString(CultureInfo.InvariantCulture));
            server.Expect("KILLED");
            server.Expect("READY");
        }

        isOver = true;
        Task.WaitAll(threads);
        server.WaitForSuccess();

        // No dead reader holds up a writer, and what died last is noticed.
        using (SharedReaderWriterLock.RecoveryScope recovery = Recover(array.ReaderWriterLock))
        {
            recovery.MarkConsistent();
        }

        At(array, Count.Kills) = kills;
        SharedArray.Delete(warm);
        long[] counts = [.. array.Skip(Payload)];
        SharedArray.Delete(name);
        return counts;
    }

    public static bool IsGood(long[] counts) => counts[(int)Count.TornUnnoticed] == 0 && counts[(int)Count.Late] == 0;

    public static string Describe(long[] counts)
        => string.Join(", ", Enum.GetValues<Count>().Select(count => $"{count} {counts[(int)count]}"));

    private static int Serve(string[] args) => ForkServer.Run(
        int.Parse(args[2], CultureInfo.InvariantCulture),
        () =>
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[1]);
            int rounds = 1000;
            WorkUntil(array, new Random(1), () => rounds-- == 0);
            Repair(array);
        },
        ready =>
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            Random random = new(Syscall.getpid());
            ready();
            WorkUntil(array, random, () =>
            {
                // Now and then, the next sleep or wake-up is the last.
                string step = random.Next(300) == 0 ? s_steps[random.Next(s_steps.Length)] : "none";
                _ = setenv(FailingShim.DieAt, step, overwrite: 1);
                return false;
            });
        });

    private static void WorkUntil(SharedArray<long> array, Random random, Func<bool> isOver)
    {
        while (!isOver())
        {
            bool isReader = random.Next(5) != 0;
            Add(array, isReader ? Count.ReadsBegun : Count.WritesBegun);
            try
            {
                if (isReader)
                {
                    Read(array);
                }
                else
                {
                    Write(array);
                }
            }
            catch (AbandonedMutexException)
            {
                Add(array, Count.Abandoned);
                Repair(array);
            }

            Add(array, isReader ? Count.Reads : Count.Writes);
        }
    }

    private static void Read(SharedArray<long> array)
    {
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        if (Waited(array, static entered => entered.TryEnterRead(s_limit)))
        {
            // A second time, for a writer that comes among readers between two of its stores.
            CheckWhole(array);
            CheckWhole(array);
            entered.ExitRead();
        }
    }

    private static void Write(SharedArray<long> array)
    {
        if (Waited(array, static entered => entered.TryEnterWrite(s_limit)))
        {
            CheckWhole(array);
            long next = array[0] + 1;
            for (int i = 0; i < Payload; i++)
            {
                Volatile.Write(ref array[i], next);
                Thread.SpinWait(i == Payload / 2 ? 100 : 0);
            }

            array.ReaderWriterLock.ExitWrite();
        }
    }

    private static void Repair(SharedArray<long> array)
    {
        using SharedReaderWriterLock.RecoveryScope recovery = Recover(array.ReaderWriterLock);
        if (recovery.WasAbandoned)
        {
            Add(array, Count.Repaired);
            Add(array, Count.TornRepaired, IsWhole(array) ? 0 : 1);
            for (int i = 1; i < Payload; i++)
            {
                Volatile.Write(ref array[i], array[0]);
            }
        }

        recovery.MarkConsistent();
    }

    private static SharedReaderWriterLock.RecoveryScope Recover(SharedReaderWriterLock abandoned)
    {
        using CancellationTokenSource limit = new(s_limit);
        return abandoned.EnterRecovery(limit.Token);
    }

    private static bool Waited(SharedArray<long> array, Func<SharedReaderWriterLock, bool> tryEnter)
    {
        long start = Environment.TickCount64;
        try
        {
            bool isInside = tryEnter(array.ReaderWriterLock);
            Add(array, Count.Late, isInside ? 0 : 1);
            return isInside;
        }
        finally
        {
            long took = Environment.TickCount64 - start;
            ref long longest = ref At(array, Count.LongestMilliseconds);
            for (long seen = Volatile.Read(ref longest); took > seen; seen = Volatile.Read(ref longest))
            {
                _ = Interlocked.CompareExchange(ref longest, took, seen);
            }
        }
    }

    private static void CheckWhole(SharedArray<long> array)
        => Add(array, Count.TornUnnoticed, IsWhole(array) ? 0 : 1);

    private static bool IsWhole(SharedArray<long> array) => !array.AsSpan(0, Payload).ContainsAnyExcept(Volatile.Read(ref array[0]));

    private static void Add(SharedArray<long> array, Count count, long number = 1) => _ = Interlocked.Add(ref At(array, count), number);

    private static ref long At(SharedArray<long> array, Count count) => ref array[Payload + (int)count];

    // The shim reads the environment of the C library, which is not that of .NET.
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setenv(string name, string value, int overwrite);
}
