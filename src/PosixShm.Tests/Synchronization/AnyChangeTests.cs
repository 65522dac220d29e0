using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Waiting for the first of many counters.</summary>
internal sealed class AnyChangeTests : NamedTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    [Test]
    public void First_change_of_many_arrays_ends_the_wait([Values(1, 2, 300)] int arrays, [Values] bool isAsync)
    {
        SharedArray<int>[] all = Create(arrays);
        ChangeCounter[] counters = [.. all.Select(static array => array.ChangeCounter)];
        uint[] seen = new uint[arrays];
        for (int round = 0; round < 20; round++)
        {
            int chosen = round * 7 % arrays;
            Task<int> wait = isAsync
                ? ChangeCounter.WaitAnyAsync(counters, seen).AsTask()
                : Task.Factory.StartNew(
                    () => ChangeCounter.WaitAny(counters, seen),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default);
            _ = counters[chosen].Signal();
            Assert.That(wait.WaitAsync(s_limit).Result, Is.EqualTo(chosen));
            Assert.That(seen[chosen], Is.EqualTo(counters[chosen].Count));
        }

        Assert.That(seen.Sum(static count => count), Is.EqualTo(20));
        Array.ForEach(all, static array => array.Dispose());
    }

    [Test]
    public void Changes_before_the_wait_are_reported_in_the_order_of_the_list()
    {
        SharedArray<int>[] all = Create(3);
        ChangeCounter[] counters = [.. all.Select(static array => array.ChangeCounter)];
        uint[] seen = new uint[3];
        _ = counters[2].Signal();
        _ = counters[1].Signal();
        Assert.That(ChangeCounter.WaitAny(counters, seen), Is.EqualTo(1));
        Assert.That(ChangeCounter.WaitAnyAsync(counters, seen).AsTask().Result, Is.EqualTo(2));
        Assert.That(ChangeCounter.TryWaitAny(counters, seen, TimeSpan.Zero, out int changed), Is.False);
        Assert.That((changed, string.Join(' ', seen)), Is.EqualTo((-1, "0 1 1")));
        Array.ForEach(all, static array => array.Dispose());
    }

    [Test]
    public void Limit_of_time_and_interrupt_end_the_wait()
    {
        SharedArray<int>[] all = Create(2);
        ChangeCounter[] counters = [.. all.Select(static array => array.ChangeCounter)];
        uint[] seen = new uint[2];
        Assert.That(ChangeCounter.TryWaitAny(counters, seen, TimeSpan.FromMilliseconds(30), out int changed), Is.False);
        Assert.That(changed, Is.EqualTo(-1));
        OtherThread.Run(() =>
        {
            Thread.CurrentThread.Interrupt();
            Assert.That(() => ChangeCounter.WaitAny(counters, seen), Throws.InstanceOf<ThreadInterruptedException>());
        });
        all[1].Dispose();
        Assert.That(() => ChangeCounter.WaitAny(counters, seen), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(OwnProcess.CountMappings(Name), Is.Zero, "no wait has kept the memory");
        all[0].Dispose();
    }

    [Test]
    public void Lists_that_do_not_match_are_refused()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        Assert.That(() => ChangeCounter.WaitAny([], []), Throws.ArgumentException);
        Assert.That(() => ChangeCounter.WaitAny([array.ChangeCounter], new uint[2]), Throws.ArgumentException);
        Assert.That(() => ChangeCounter.WaitAny([null!], new uint[1]), Throws.ArgumentException);
        Assert.That(
            () => ChangeCounter.TryWaitAny([array.ChangeCounter], new uint[1], TimeSpan.FromSeconds(-5), out _),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private SharedArray<int>[] Create(int count)
        => [.. Enumerable.Range(0, count).Select(index => SharedArray.Create<int>(NameOf($"{index}"), 1))];
}
