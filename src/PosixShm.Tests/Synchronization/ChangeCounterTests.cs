namespace PosixShm.Tests;

/// <summary>Sleeping until something changes, and atomic operations on elements.</summary>
internal sealed class ChangeCounterTests : NamedTest
{
    [Test]
    public void A_change_before_the_wait_is_seen_at_once_and_one_during_it_wakes()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        Assert.That(array.ChangeCounter.Count, Is.Zero);
        Assert.That(array.ChangeCounter.Signal(), Is.EqualTo(1));
        Assert.That(array.ChangeCounter.Wait(0), Is.EqualTo(1));

        using ChildProcess child = ChildProcess.Start(Answer, Name);
        child.Expect("WAITING");
        array[0] = 41;
        _ = array.ChangeCounter.Signal();
        Assert.That(array.ChangeCounter.TryWait(2, TimeSpan.FromSeconds(30), out uint count), Is.True);
        Assert.That((count, array[0]), Is.EqualTo((3u, 42)));
        child.WaitForSuccess();

        static int Answer(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            uint seen = array.ChangeCounter.Count;
            Console.WriteLine("WAITING");
            if (!array.ChangeCounter.TryWait(seen, TimeSpan.FromSeconds(30), out _))
            {
                return 1;
            }

            array[0]++;
            _ = array.ChangeCounter.Signal();
            return 0;
        }
    }

    [Test]
    public void No_change_of_many_is_missed()
    {
        const int Rounds = 20_000;
        using SharedArray<int> array = SharedArray.Create<int>(Name, 2);
        using ChildProcess child = ChildProcess.Start(Echo, Name);
        child.Expect("READY");
        for (int round = 1; round <= Rounds; round++)
        {
            array[0] = round;
            uint seen = array.ChangeCounter.Signal();

            // The answer of the other process is one change, after that of this process.
            Assert.That(
                array.ChangeCounter.TryWait(seen, TimeSpan.FromSeconds(30), out _) || Volatile.Read(ref array[1]) == round,
                Is.True,
                $"round {round}");
            Assert.That(Volatile.Read(ref array[1]), Is.EqualTo(round));
        }

        child.WaitForSuccess();

        static int Echo(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            Console.WriteLine("READY");
            uint seen = 0;
            for (int round = 1; round <= Rounds; round++)
            {
                if (!array.ChangeCounter.TryWait(seen, TimeSpan.FromSeconds(30), out _) || Volatile.Read(ref array[0]) != round)
                {
                    return round;
                }

                array[1] = round;
                seen = array.ChangeCounter.Signal();
            }

            return 0;
        }
    }

    [Test]
    public void A_wait_ends_with_its_time_its_token_or_its_array()
    {
        SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        Synchronization.ChangeCounter changed = array.ChangeCounter;
        Assert.That(changed.TryWait(0, TimeSpan.FromMilliseconds(70), out uint count), Is.False);
        Assert.That(count, Is.Zero);
        using CancellationTokenSource source = new(50);
        Assert.That(() => changed.Wait(0, source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => changed.TryWait(0, TimeSpan.FromDays(-1), out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
        array.Dispose();
        Assert.That(() => changed.Count, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => changed.Signal(), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void A_read_only_reader_waits_too()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(Name);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        Task<uint> waiting = Task.Run(() => reader.ChangeCounter.Wait(0));
        Task<uint> alsoWaiting = Task.Run(() => copy.ChangeCounter.Wait(0));
        _ = array.ChangeCounter.Signal();
        Assert.That(waiting.Wait(30_000) && alsoWaiting.Wait(30_000), Is.True);
        Assert.That((waiting.Result, alsoWaiting.Result), Is.EqualTo((1u, 1u)));
        Assert.That(() => reader.ChangeCounter.Signal(), Throws.InvalidOperationException.With.Message.Contains("read only"));
    }

    [Test]
    public void Two_processes_count_atomically_without_any_lock()
    {
        const int Each = 200_000;
        using SharedArray<long> counter = SharedArray.Create<long>(Name, 2);
        using ChildProcess child = ChildProcess.Start(Count, Name);
        child.Expect("READY");
        child.Send("GO");
        for (int i = 0; i < Each; i++)
        {
            _ = Interlocked.Increment(ref counter[0]);
        }

        child.WaitForSuccess();
        Assert.That(Volatile.Read(ref counter[0]), Is.EqualTo(2 * Each));

        static int Count(string[] args)
        {
            using SharedArray<long> counter = SharedArray.Attach<long>(args[0]);
            Console.WriteLine("READY");
            _ = Console.ReadLine();
            for (int i = 0; i < Each; i++)
            {
                _ = Interlocked.Increment(ref counter[0]);
            }

            return 0;
        }
    }
}
