using System.Diagnostics;
using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>
/// Processes create, attach, lock, write, replace, resize and delete the same arrays, and are killed at random. An auditor checks that
/// every named array is complete: each element follows from the first one, unless the lock is abandoned. <c>./build.sh soak</c> runs it.
/// </summary>
internal static class Soak
{
    private const int Workers = 4;
    private const int Arrays = 6;
    private const int LongestArray = 30_000;
    private const int SnapshotLength = 4_096;

    // A slow owner on a busy machine is not a violation.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private enum Count
    {
        Created,
        Attached,
        Written,
        Checked,
        Replaced,
        Resized,
        Deleted,
        Repaired,
        Published,
        PublishedOverDead,
        ReadSnapshots,
        ToldAbandoned,
        RefusedWriters,
        Killed,
        Audited,
        AuditedAbandoned,
        AuditedAbsent,
        NeighbourRounds,
        LeftByKilledReplacers,
    }

    /// <summary>
    /// Runs for some time, prints what was done, and returns 1 if anything was not as it must be. Arguments: seconds, seed.
    /// </summary>
    public static int Run(string[] args)
    {
        TimeSpan limit = TimeSpan.FromSeconds(int.Parse(args[0], CultureInfo.InvariantCulture));
        int seed = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1;
        string prefix = string.Create(CultureInfo.InvariantCulture, $"posixshm-soak-{Environment.ProcessId}-");
        List<string> violations = [];
        int descriptors = OwnProcess.CountDescriptors();
        int mappings = OwnProcess.CountMappings("/dev/shm");
        Random random = new(seed);

        // Its locks are those of the names: a worker that replaces or deletes the array of a name holds that name's lock.
        using SharedArray<long> counts = SharedArray.Create(
            prefix + "counts", ArrayContent.Zeros<long>(Enum.GetValues<Count>().Length), new SharedArrayOptions { Locks = Arrays });
        HostileNeighbour.Make(prefix + "attacked");
        SharedArray.Create<long>(prefix + "snapshot", SnapshotLength).Dispose();
        List<ChildProcess> workers = [.. Enumerable.Range(0, Workers).Select(_ => StartWorker(prefix, random))];
        using ChildProcess attacker = ChildProcess.Start(HostileNeighbour.Attack, prefix + "attacked", args.ElementAtOrDefault(1) ?? "1");
        using ChildProcess victim = ChildProcess.Start(
            HostileNeighbour.Endure, prefix + "attacked", "2", ((int)limit.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        try
        {
            long nextKill = 0;
            for (Stopwatch time = Stopwatch.StartNew(); time.Elapsed < limit && violations.Count == 0;)
            {
                Audit(prefix + random.Next(Arrays).ToString(CultureInfo.InvariantCulture), counts, violations);
                if (time.ElapsedMilliseconds >= nextKill)
                {
                    int unlucky = random.Next(Workers);
                    KillAndReplace(workers, unlucky, prefix, random, counts, violations);
                    nextKill = time.ElapsedMilliseconds + random.Next(50, 500);
                }
            }

            Collect(victim, counts, violations);
        }
        finally
        {
            workers.ForEach(worker => worker.Dispose());
            attacker.Kill();
        }

        foreach (SharedArrayInfo info in SharedArray.List().Where(info => info.Name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            // A replacer that is killed between creating its temporary name and the rename leaves a complete array, as documented.
            SharedArray.Delete(info.Name);
            counts[(int)Count.LeftByKilledReplacers] += info.Name.Contains(".posixshm-", StringComparison.Ordinal) ? 1 : 0;
        }

        File.Delete("/dev/shm/" + prefix + "attacked");
        long[] totals = counts.ToArray();
        counts.Dispose();

        Expect(Directory.GetFiles("/dev/shm", prefix + "*").Length == 0, "a file is left in /dev/shm", violations);
        descriptors = OwnProcess.CountDescriptors() - descriptors;
        mappings = OwnProcess.CountMappings("/dev/shm") - mappings;
        Expect(descriptors == 0, $"{descriptors} descriptors are left", violations);
        Expect(mappings == 0, $"{mappings} mappings are left", violations);
        Print(seed, limit, totals, violations);
        return violations.Count == 0 ? 0 : 1;
    }

    /// <summary>Works on the arrays until it is killed. Arguments: the prefix of their names, the seed.</summary>
    public static int Work(string[] args)
    {
        string prefix = args[0];
        Random random = new(int.Parse(args[1], CultureInfo.InvariantCulture));
        using SharedArray<long> counts = SharedArray.Attach<long>(prefix + "counts");
        while (true)
        {
            int index = random.Next(Arrays);
            try
            {
                Act(prefix + index.ToString(CultureInfo.InvariantCulture), counts.Locks[index], random, counts);
            }
            catch (FileNotFoundException)
            {
                // Another worker deleted it.
            }
            catch (IOException error) when (error.HResult == 17)
            {
                // Another worker created it.
            }
        }
    }

    private static void Act(string name, SharedLock nameLock, Random random, SharedArray<long> counts)
    {
        switch (random.Next(24))
        {
            case < 5:
                SharedArray.Create(name, ArrayContent.From(Block(random.NextInt64(), random.Next(1, LongestArray)))).Dispose();
                Add(counts, Count.Created);
                break;
            case 5:
                // Zeros are the block of seed 0.
                using (EnterName(nameLock))
                {
                    SharedArray.Replace<long>(name, random.Next(1, LongestArray)).Dispose();
                }

                Add(counts, Count.Replaced);
                break;
            case 6:
                using (EnterName(nameLock))
                {
                    SharedArray.Delete(name);
                }

                Add(counts, Count.Deleted);
                break;
            case >= 22:
                using (SharedArray<long> array = SharedArray.Attach<long>(SnapshotName(counts)))
                {
                    Publish(array, random, counts);
                }

                break;
            case >= 20:
                using (TypedSharedArray<long> array = Reader(SnapshotName(counts), random))
                {
                    ReadSnapshot(array, counts);
                }

                break;
            case 7:
                // Both locks are held, so the resized array is the locked one.
                using (EnterName(nameLock))
                using (SharedArray<long> array = SharedArray.Attach<long>(name))
                {
                    Locked(array, random, counts, () => SharedArray.Resize<long>(name, random.Next(1, (int)array.Length + 1)).Dispose());
                }

                Add(counts, Count.Resized);
                break;
            case < 12:
                using (ReadOnlySharedArray<long> array = SharedArray.AttachReadOnly<long>(name))
                {
                    Add(counts, Count.Attached);
                    _ = array.ToArray();
                }

                break;
            case < 16:
                using (SharedArray<long> array = SharedArray.Attach<long>(name))
                {
                    Locked(array, random, counts, () => Write(array, random.NextInt64()));
                    Add(counts, Count.Written);
                }

                break;
            default:
                using (SharedArray<long> array = SharedArray.Attach<long>(name))
                {
                    Locked(array, random, counts, () => Expect(IsWhole(array), $"'{name}' is torn"));
                    Add(counts, Count.Checked);
                }

                break;
        }
    }

    // Several workers publish without a lock: at most one at a time gets in.
    private static void Publish(SharedArray<long> array, Random random, SharedArray<long> counts)
    {
        try
        {
            bool isWhole = array.TryReadSnapshot(new long[array.Length], out ulong last);
            ulong number = random.Next(2) == 0
                ? array.Publish(Block(random.NextInt64(), SnapshotLength))
                : array.UpdateSnapshot(random.NextInt64(), static (span, seed) =>
                {
                    Expect(span.SequenceEqual(Block(span[0], span.Length)), "a writer that keeps elements gets torn ones");
                    long[] block = Block(seed, span.Length);
                    block.AsSpan(0, span.Length / 2).CopyTo(span);
                    Thread.SpinWait(50_000); // Some writers are killed here.
                    block.CopyTo(span);
                });
            Expect(!isWhole || number > last, "the number of a publication goes back");
            Add(counts, Count.Published);
        }
        catch (AbandonedMutexException)
        {
            // Another writer may be faster.
            Add(counts, Count.ToldAbandoned);
            if (TryPublish(array, random))
            {
                Add(counts, Count.PublishedOverDead);
            }
        }
        catch (InvalidOperationException error) when (error.Message.Contains("one writer at a time", StringComparison.Ordinal))
        {
            Add(counts, Count.RefusedWriters);
        }
    }

    private static bool TryPublish(SharedArray<long> array, Random random)
    {
        try
        {
            _ = array.Publish(Block(random.NextInt64(), SnapshotLength));
            return true;
        }
        catch (InvalidOperationException error) when (error.Message.Contains("one writer at a time", StringComparison.Ordinal))
        {
            return false;
        }
    }

    private static string SnapshotName(SharedArray<long> counts) => counts.Name[..^"counts".Length] + "snapshot";

    private static TypedSharedArray<long> Reader(string name, Random random) => random.Next(3) switch
    {
        0 => SharedArray.AttachReadOnly<long>(name),
        1 => SharedArray.AttachCopyOnWrite<long>(name),
        _ => SharedArray.Attach<long>(name),
    };

    private static void ReadSnapshot(TypedSharedArray<long> array, SharedArray<long> counts)
    {
        long[] copy = new long[array.Length];
        ulong last = 0;
        try
        {
            for (int i = 0; i < 100; i++)
            {
                Expect(array.TryReadSnapshot(copy, s_patience, out ulong sequence), "a snapshot is never whole, nor abandoned");
                Expect(copy.AsSpan().SequenceEqual(Block(copy[0], copy.Length)), "a snapshot is torn");
                Expect(sequence >= last, "a snapshot is older than the one before");
                last = sequence;
                Add(counts, Count.ReadSnapshots);
            }
        }
        catch (AbandonedMutexException)
        {
            Add(counts, Count.ToldAbandoned);
        }
    }

    private static void Locked(SharedArray<long> array, Random random, SharedArray<long> counts, Action action)
    {
        SharedLockReleaser? entry = null;
        try
        {
            if (random.Next(3) == 0)
            {
                using CancellationTokenSource patience = new(s_patience);
                entry = array.Lock.EnterAsync(patience.Token).AsTask().GetAwaiter().GetResult();
            }
            else
            {
                Expect(array.Lock.TryEnter(s_patience), $"the lock of '{array.Name}' is never free");
            }
        }
        catch (AbandonedMutexException)
        {
            using SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery();
            Write(array, random.NextInt64());
            recovery.MarkConsistent();
            Add(counts, Count.Repaired);
            return;
        }

        action();
        if (entry is SharedLockReleaser asynchronous)
        {
            asynchronous.Dispose();
        }
        else
        {
            array.Lock.Exit();
        }
    }

    // A name whose owner died needs no repair.
    private static SharedLock.RecoveryScope EnterName(SharedLock nameLock)
    {
        SharedLock.RecoveryScope scope = nameLock.EnterRecovery();
        scope.MarkConsistent();
        return scope;
    }

    private static void Audit(string name, SharedArray<long> counts, List<string> violations)
    {
        try
        {
            using SharedArray<long> array = SharedArray.Attach<long>(name);
            if (!array.Lock.TryEnter(s_patience))
            {
                violations.Add($"the lock of '{name}' is never free: {array.Lock.State}, slot {array.Lock.OwnerSlot}");
                return;
            }

            Expect(IsWhole(array), $"'{name}' is torn, and its lock is not abandoned", violations);
            array.Lock.Exit();
            Add(counts, Count.Audited);
        }
        catch (AbandonedMutexException)
        {
            Add(counts, Count.AuditedAbandoned);
        }
        catch (FileNotFoundException)
        {
            Add(counts, Count.AuditedAbsent);
        }
        catch (Exception error)
            when (error is IOException or InvalidDataException or UnauthorizedAccessException or InvalidOperationException)
        {
            violations.Add($"'{name}' is not whole: {error.Message}");
        }
    }

    private static void KillAndReplace(
        List<ChildProcess> workers, int unlucky, string prefix, Random random, SharedArray<long> counts, List<string> violations)
    {
        using ChildProcess worker = workers[unlucky];
        Expect(!worker.HasExited, $"a worker ended by itself: {worker.Errors}", violations);
        if (!worker.HasExited)
        {
            worker.Kill();
        }

        Add(counts, Count.Killed);
        workers[unlucky] = StartWorker(prefix, random);
    }

    private static void Collect(ChildProcess victim, SharedArray<long> counts, List<string> violations)
    {
        int exitCode = victim.WaitForExit();
        Expect(exitCode == 0, $"the neighbour of a hostile process ended with {exitCode}: {victim.Errors}", violations);
        foreach (string line in victim.Output.Split('\n').Where(line => line.Contains(' ', StringComparison.Ordinal)))
        {
            counts[(int)Count.NeighbourRounds] += long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
        }
    }

    private static ChildProcess StartWorker(string prefix, Random random)
        => ChildProcess.Start(Work, prefix, random.Next().ToString(CultureInfo.InvariantCulture));

    private static void Write(SharedArray<long> array, long seed) => array.CopyFrom(Block(seed, (int)array.Length));

    private static bool IsWhole(SharedArray<long> array)
    {
        long[] elements = array.ToArray();
        return elements.AsSpan().SequenceEqual(Block(elements[0], elements.Length));
    }

    // The first element is the seed, from which all others follow. The start of a block is therefore a block.
    private static long[] Block(long seed, int length)
    {
        long[] block = new long[length];
        for (int i = 0; i < length; i++)
        {
            block[i] = unchecked(seed * ((2L * i) + 1));
        }

        return block;
    }

    private static void Add(SharedArray<long> counts, Count count) => _ = Interlocked.Increment(ref counts[(int)count]);

    private static void Expect(bool isTrue, string violation)
    {
        if (!isTrue)
        {
            throw new InvalidOperationException(violation);
        }
    }

    private static void Expect(bool isTrue, string violation, List<string> violations)
    {
        if (!isTrue)
        {
            violations.Add(violation);
        }
    }

    private static void Print(int seed, TimeSpan time, long[] totals, List<string> violations)
    {
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"seed {seed}, {time.TotalSeconds} s, {Workers} workers, {Arrays} arrays"));
        foreach (Count count in Enum.GetValues<Count>())
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {count,-24}{totals[(int)count],12:N0}"));
        }

        foreach (string violation in violations)
        {
            Console.WriteLine($"  VIOLATION: {violation}");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{violations.Count} violations"));
    }
}
