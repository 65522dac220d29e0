using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Concurrent first uses of the locks of new arrays: the page is made once, and each lock has one owner at a time.</summary>
internal sealed class PageStormTests : NamedTest
{
    private const int Entries = 5;

    // Elements of each array: the count of entries, and the mark of the current owner.
    private const int Counted = 0;
    private const int Inside = 1;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    [TestCase(100)]
    [TestCase(1000, Category = "More")]
    public void Processes_that_use_the_locks_of_fresh_arrays_at_once_exclude_each_other_from_the_first_entry_on(int arrays)
    {
        const int Processes = 4;
        using SharedArray<long> arrived = SharedArray.Create<long>(NameOf("arrived"), 1);
        for (int i = 0; i < arrays; i++)
        {
            SharedArray.Create<long>(NameOf($"{i}"), 2).Dispose();
        }

        ChildProcess[] children =
            [.. Enumerable.Range(1, Processes).Select(id => ChildProcess.Start(Use, Name, $"{arrays}", $"{Processes}", $"{id}"))];
        try
        {
            Array.ForEach(children, child => child.WaitForSuccess());
        }
        finally
        {
            Array.ForEach(children, child => child.Dispose());
        }

        for (int i = 0; i < arrays; i++)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(NameOf($"{i}"));
            Assert.That((array[Counted], array.Lock.State), Is.EqualTo((Processes * Entries, SharedLockState.Free)));
            Assert.That(new FileInfo(ShmPathOf(array.Name)).Length, Is.EqualTo(8192));
        }

        static int Use(string[] args)
        {
            int[] numbers = [.. args.Skip(1).Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
            using SharedArray<long> arrived = SharedArray.Attach<long>($"{args[0]}-arrived");
            for (int i = 0; i < numbers[0]; i++)
            {
                using SharedArray<long> array = SharedArray.Attach<long>($"{args[0]}-{i}");
                _ = Interlocked.Increment(ref arrived[0]);
                WaitFor(arrived, (i + 1) * numbers[1]);
                Enter(array, numbers[2]);
            }

            return 0;
        }

        static void WaitFor(SharedArray<long> arrived, long number)
        {
            long end = Environment.TickCount64 + (long)s_limit.TotalMilliseconds;
            while (Volatile.Read(ref arrived[0]) < number)
            {
                Assert.That(Environment.TickCount64, Is.LessThan(end), "the other processes");
                _ = Thread.Yield();
            }
        }
    }

    [TestCase(200)]
    [TestCase(5000, Category = "More")]
    public void Threads_that_use_the_lock_of_one_fresh_attachment_at_once_exclude_each_other(int rounds)
    {
        const int Threads = 4;
        SharedArray<long>? array = null;
        using Barrier barrier = new(Threads, _ =>
        {
            Assert.That(array?[Counted] ?? Threads * Entries, Is.EqualTo(Threads * Entries));
            array?.Dispose();
            SharedArray.TryDelete(Name);
            array = SharedArray.Create<long>(Name, 2);
        });
        Task[] tasks =
        [
            .. Enumerable.Range(1, Threads).Select(id => Task.Factory.StartNew(
                () =>
                {
                    for (int round = 0; round < rounds; round++)
                    {
                        Assert.That(barrier.SignalAndWait(s_limit), Is.True);
                        Enter(array!, id);
                    }
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)),
        ];
        Assert.That(Task.WaitAll(tasks, s_limit), Is.True);
        Assert.That(array![Counted], Is.EqualTo(Threads * Entries));
        array.Dispose();
    }

    // Not atomic: two owners at once lose a count, or find the mark of the other.
    private static void Enter(SharedArray<long> array, int id)
    {
        for (int entry = 0; entry < Entries; entry++)
        {
            using (array.Lock.EnterScope())
            {
                long counted = array[Counted];
                Assert.That(Interlocked.Exchange(ref array[Inside], id), Is.Zero);
                Thread.SpinWait(10);
                array[Counted] = counted + 1;
                Volatile.Write(ref array[Inside], 0);
            }
        }
    }
}
