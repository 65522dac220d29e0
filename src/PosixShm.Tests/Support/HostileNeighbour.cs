using System.Diagnostics;
using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>
/// A hostile process that may write an array, and a process that uses the array meanwhile and must survive: every call ends, with a result
/// or with one of the documented exceptions.
/// </summary>
internal static class HostileNeighbour
{
    private const int Elements = 2000;
    private const int ElementsEnd = 128 + (Elements * sizeof(long));
    private const int ControlOffset = 4 * 4096;
    private const int FileLength = ControlOffset + 4096;

    // No call may take longer: all waits below last 20 ms. The limit is generous for busy machines.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Gets the only exceptions that another process can cause by writing to the array. The reliability page has the same list.
    /// </summary>
    public static IReadOnlyList<Type> Documented { get; } =
    [
        typeof(FileNotFoundException),
        typeof(InvalidDataException),
        typeof(IOException),
        typeof(SharedMemoryLostException),
        typeof(AbandonedMutexException),
        typeof(InvalidOperationException),
        typeof(OperationCanceledException),
    ];

    /// <summary>Overwrites, truncates and extends an array for ever, and removes its control page. Arguments: its name, the seed.</summary>
    public static int Attack(string[] args)
    {
        string path = "/dev/shm/" + args[0];
        Random random = new(int.Parse(args[1], CultureInfo.InvariantCulture));
        byte[] whole = File.ReadAllBytes(path);
        byte[] garbage = new byte[8];
        Console.WriteLine("READY");
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        while (true)
        {
            long place = random.Next(9) switch
            {
                0 => random.Next(128),
                1 => ControlOffset + random.Next(32),
                2 => ControlOffset + 256 + random.Next(1792),
                3 => ControlOffset + 2048 + random.Next(8),
                4 or 5 => ControlOffset + LockWords.First,
                6 => ControlOffset + PageWords.Writer + random.Next(16),
                _ => random.Next(FileLength),
            };

            // Restores the file now and then, so that attachments succeed.
            int action = random.Next(100);
            if (action < 25)
            {
                file.Position = 0;
                file.Write(whole);
            }
            else if (action < 28)
            {
                file.SetLength(random.Next(2 * FileLength));
                Thread.SpinWait(random.Next(20_000));
                file.SetLength(FileLength);
            }
            else if (action < 40)
            {
                // Truncates to the elements, then appends zeros: none, a page, a part of a page, or more.
                file.SetLength(ElementsEnd);
                file.SetLength(random.Next(4) switch
                {
                    0 => ElementsEnd,
                    1 => FileLength,
                    2 => random.Next(ElementsEnd, FileLength),
                    _ => FileLength + random.Next(FileLength),
                });
                Thread.SpinWait(random.Next(20_000));
            }
            else
            {
                random.NextBytes(garbage);
                file.Position = place;
                file.Write(garbage.AsSpan(0, random.Next(1, 9)));
                Thread.SpinWait(random.Next(2000));
            }
        }
    }

    /// <summary>Uses an array for some time, and prints the count of each outcome. Arguments: its name, the seed, seconds.</summary>
    public static int Endure(string[] args)
    {
        string name = args[0];
        Random random = new(int.Parse(args[1], CultureInfo.InvariantCulture));
        TimeSpan limit = TimeSpan.FromSeconds(int.Parse(args[2], CultureInfo.InvariantCulture));
        SortedDictionary<string, int> outcomes = [];
        Stopwatch time = Stopwatch.StartNew();
        Console.WriteLine("READY");
        while (time.Elapsed < limit)
        {
            TimeSpan before = time.Elapsed;
            string outcome;
            try
            {
                Use(name, random);
                outcome = "good";
            }
            catch (Exception error) when (Documented.Contains(error.GetType()))
            {
                outcome = error.GetType().Name;
            }

            Assert.That(time.Elapsed - before, Is.LessThan(s_longest), outcome);
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        foreach ((string outcome, int count) in outcomes)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{outcome} {count}"));
        }

        return 0;
    }

    /// <summary>Makes the array that is attacked, with its control page.</summary>
    public static void Make(string name)
    {
        using SharedArray<long> array = SharedArray.Create(name, ArrayContent.Filled<long>(1, Elements));
        array.Lock.EnterScope().Dispose();
    }

    private static void Use(string name, Random random)
    {
        switch (random.Next(7))
        {
            case 0:
                SharedArrayInfo info = SharedArray.Describe(name);
                Assert.That(info.ByteLength, Is.InRange(0, 2 * FileLength));
                _ = info.ToString();
                break;
            case 1:
                _ = SharedArray.List();
                _ = SharedArray.Exists(name);
                break;
            case 2:
                using (UntypedSharedArray untyped = SharedArray.AttachUntyped(name, SharedArrayAccess.ReadOnly))
                {
                    _ = untyped.ToString();
                    _ = untyped.Locks.Sum(static shared => shared.OwnerSlot);
                }

                break;
            case 3:
                using (SharedArray<long> array = SharedArray.Attach<long>(name))
                {
                    long[] copy = array.ToArray();
                    Assert.That(copy, Has.Length.EqualTo(array.Length));
                    array.CopyFrom(copy.AsSpan(0, Math.Min(copy.Length, 10)));
                    array.Span.Fill(1);
                    _ = array.Length > 0 ? array[array.Length - 1] : 0;
                }

                break;
            case 4:
                using (SharedArray<long> array = SharedArray.Attach<long>(name))
                {
                    _ = array.ChangeCounter.TryWait(array.ChangeCounter.Count, TimeSpan.FromMilliseconds(20), out _);
                    _ = array.ChangeCounter.Signal();
                }

                break;
            case 5:
                using (SharedArray<long> array = SharedArray.Attach<long>(name))
                {
                    for (int i = 0; i < 10; i++)
                    {
                        ReadAndWrite(array);
                    }
                }

                break;
            default:
                using (SharedArray<long> array = SharedArray.Attach<long>(name))
                {
                    for (int i = 0; i < 10; i++)
                    {
                        EnterAndLeave(array);
                    }
                }

                break;
        }
    }

    private static void EnterAndLeave(SharedArray<long> array)
    {
        try
        {
            if (array.Lock.TryEnter(TimeSpan.FromMilliseconds(20)))
            {
                array.Lock.Exit();
            }
        }
        catch (AbandonedMutexException)
        {
            using CancellationTokenSource enough = new(TimeSpan.FromMilliseconds(20));
            using SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery(enough.Token);
            recovery.MarkConsistent();
        }
    }

    private static void ReadAndWrite(SharedArray<long> array)
    {
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        try
        {
            if (entered.TryEnterRead(TimeSpan.FromMilliseconds(20)))
            {
                entered.ExitRead();
            }

            if (entered.TryEnterWrite(TimeSpan.FromMilliseconds(20)))
            {
                entered.ExitWrite();
            }
        }
        catch (AbandonedMutexException)
        {
            using CancellationTokenSource enough = new(TimeSpan.FromMilliseconds(20));
            using SharedReaderWriterLock.RecoveryScope recovery = entered.EnterRecovery(enough.Token);
            recovery.MarkConsistent();
        }
    }
}
