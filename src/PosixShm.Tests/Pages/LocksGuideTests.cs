using PosixShm.Posix;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Runs the code of docs/LOCKS.md.</summary>
internal sealed class LocksGuideTests : NamedTest
{
    [Test]
    public void Enter()
    {
        string name = Name;
        #region enter
        using SharedArray<long> accounts = SharedArray.Create<long>(name, 2);
        using (accounts.Lock.EnterScope())
        {
            accounts[0] -= 10;
            accounts[1] += 10;
        }
        #endregion

        #region try
        if (accounts.Lock.TryEnter(TimeSpan.FromSeconds(1)))
        {
            try
            {
                accounts[0] += 10;
                accounts[1] -= 10;
            }
            finally
            {
                accounts.Lock.Exit();
            }
        }
        #endregion

        Assert.That(accounts, Is.EqualTo(new long[] { 0, 0 }));
        Assert.That(accounts.Lock.State, Is.EqualTo(SharedLockState.Free));
    }

    [Test]
    public void ReadAndWrite()
    {
        double seen;
        using SharedArray<double> prices = SharedArray.Create(Name, ArrayContent.From<double>([1, 2]));
        #region readers
        using (prices.ReaderWriterLock.EnterReadScope())
        {
            seen = prices[0] + prices[1]; // other readers are inside, too
        }

        using (prices.ReaderWriterLock.EnterWriteScope())
        {
            prices[0] = 101.25; // no other thread is inside
            prices[1] = 101.75;
        }
        #endregion

        Assert.That((seen, prices[1]), Is.EqualTo((3.0, 101.75)));
        Assert.That(prices.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
    }

    [Test]
    public void Recover()
    {
        const long Total = 100;
        using SharedArray<long> accounts = SharedArray.Create(Name, ArrayContent.From<long>([Total, 0]));
        using (ChildProcess dead = ChildProcess.Start(DieHalfWay, Name))
        {
            dead.Expect("HELD");
        }

        for (int i = 0; i < 2; i++)
        {
            #region recover
            try
            {
                using (accounts.Lock.EnterScope())
                {
                    Transfer(accounts, 10);
                }
            }
            catch (AbandonedMutexException)
            {
                using SharedLock.RecoveryScope recovery = accounts.Lock.EnterRecovery();
                if (recovery.WasAbandoned) // another waiter may have repaired it
                {
                    accounts[1] = Total - accounts[0];
                    recovery.MarkConsistent();
                }
            }
            #endregion
        }

        Assert.That(accounts, Is.EqualTo(new long[] { 80, 20 }), "repaired, then transferred");

        static void Transfer(SharedArray<long> accounts, long amount)
        {
            accounts[0] -= amount;
            accounts[1] += amount;
        }

        static int DieHalfWay(string[] args)
        {
            using SharedArray<long> accounts = SharedArray.Attach<long>(args[0]);
            accounts.Lock.Enter();
            accounts[0] -= 10;
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void A_lock_for_each_slice()
    {
        string name = Name;
        #region slices
        using SharedArray<double> grid = SharedArray.Create(
            name, ArrayContent.Zeros<double>(100, 1000), new SharedArrayOptions { Locks = 100 });
        Parallel.For(0, 1000, job =>
        {
            int row = job % 100;
            using (grid.Locks[row].EnterScope())
            {
                foreach (ref double element in grid.Row(row))
                {
                    element++;
                }
            }
        });
        #endregion

        Assert.That(grid.All(element => element == 10), Is.True);
    }

    [Test]
    public async Task Asynchronous()
    {
        using SharedArray<byte> a = SharedArray.Create<byte>(Name, 4);
        using Stream stream = new MemoryStream([1, 2, 3, 4]);
        CancellationToken cancellation = CancellationToken.None;
        #region async
        using (await a.Lock.EnterAsync(cancellation))
        {
            await stream.ReadExactlyAsync(a.Memory, cancellation);
        }
        #endregion

        Assert.That(a, Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
        Assert.That(a.Lock.State, Is.EqualTo(SharedLockState.Free));
    }

    [Test]
    public async Task Many()
    {
        using SharedArray<double> prices = SharedArray.Create(Name, 2);
        using SharedArray<double> bids = SharedArray.Create(NameOf("bids"), 2);
        using SharedArray<double> asks = SharedArray.Create(NameOf("asks"), 2);
        using CancellationTokenSource source = new();
        CancellationToken cancellation = source.Token;
        List<uint> seenCounts = [];
        Task reader = ReadAll();
        prices.ChangeCounter.Signal();
        await ReadAny();
        await source.CancelAsync();
        await Assert.ThatAsync(() => reader, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(seenCounts, Is.EqualTo(new[] { 1 }));

        async Task ReadAll()
        {
            #region enumerate changes
            await foreach (uint count in prices.ChangeCounter.ReadAllAsync(lastSeen: 0, cancellation))
            {
                seenCounts.Add(count);
            }
            #endregion
        }

        async Task ReadAny()
        {
            // Counted before the next one is awaited.
            while (seenCounts.Count == 0)
            {
                await Task.Yield();
            }

            asks.ChangeCounter.Signal();
            #region first of several
            ChangeCounter[] counters = [bids.ChangeCounter, asks.ChangeCounter];
            uint[] seen = [0, 0];
            int changed = await ChangeCounter.WaitAnyAsync(counters, seen, cancellation); // the index; seen[changed] is the new count
            #endregion

            Assert.That((changed, seen[changed]), Is.EqualTo((1, 1u)));
        }
    }

    [Test]
    public void Spinning()
    {
        ChildProcess.Run(Set);

        // The setting is the process's.
        static int Set(string[] args)
        {
            #region spin
            WaitSettings.SpinTime = TimeSpan.FromMicroseconds(50);
            #endregion

            return WaitSettings.SpinTime == TimeSpan.FromMicroseconds(50) ? 0 : 1;
        }
    }

    [Test]
    public void Atomics()
    {
        string name = Name;
        #region atomics
        using SharedArray<long> counts = SharedArray.Create<long>(name, 3);
        Interlocked.Increment(ref counts[0]);                                   // add
        bool isFirst = Interlocked.CompareExchange(ref counts[1], 1, 0) == 0;   // exactly one of all processes
        Volatile.Write(ref counts[2], 42);                                      // published: Volatile.Read of 42 sees all earlier stores
        #endregion

        Assert.That((counts[0], isFirst, counts[1], counts[2]), Is.EqualTo((1L, true, 1L, 42L)));
    }

    [Test]
    public void Changes()
    {
        string name = Name;
        using SharedArray<double> original = SharedArray.Create(name, 2);
        List<double> seenPrices = [];
        using ManualResetEventSlim isAttached = new();
        Thread reader = new(Read);
        reader.Start();
        Assert.That(isAttached.Wait(TimeSpan.FromSeconds(30)), Is.True);
        Publish(original);
        Assert.That(reader.Join(TimeSpan.FromSeconds(30)), Is.True);
        Assert.That(seenPrices, Is.EqualTo(new[] { 101.25 }));

        void Read()
        {
            using SharedArray<double> prices = SharedArray.Attach(name);
            uint first = prices.ChangeCounter.Count;
            isAttached.Set();
            ReadUntil(prices, first, () => seenPrices.Count == 1);
        }

        void ReadUntil(SharedArray<double> prices, uint seen, Func<bool> isDone)
        {
            #region read changes
            while (!isDone())
            {
                seen = prices.ChangeCounter.Wait(seen); // the count that was read before the elements were
                using (prices.Lock.EnterScope())
                {
                    seenPrices.Add(prices[0]);
                }
            }
            #endregion
        }

        static void Publish(SharedArray<double> prices)
        {
            #region publish a change
            using (prices.Lock.EnterScope())
            {
                prices[0] = 101.25;
            }

            prices.ChangeCounter.Signal();
            #endregion
        }
    }

    [Test]
    public void Generations()
    {
        string name = Name;
        using SharedArray<double> first = SharedArray.Create(name, 1);
        long seen = 0;
        using ManualResetEventSlim isAttached = new();
        Thread reader = new(() => Follow(() => seen == 3));
        reader.Start();
        Assert.That(isAttached.Wait(TimeSpan.FromSeconds(30)), Is.True);
        SharedArray.Resize<double>(name, 3).Dispose();
        Assert.That(reader.Join(TimeSpan.FromSeconds(30)), Is.True);

        void Read(SharedArray<double> array)
        {
            seen = array.Length;
            isAttached.Set();
        }

        void Follow(Func<bool> isDone)
        {
            #region follow generations
            while (!isDone())
            {
                using SharedArray<double> generation = SharedArray.Attach(name);
                uint count = generation.ChangeCounter.Count;
                while (generation.IsCurrent && !isDone())
                {
                    Read(generation);
                    _ = generation.ChangeCounter.TryWait(count, TimeSpan.FromSeconds(1), out count);
                }
            }
            #endregion
        }
    }

    [Test]
    public void Snapshots()
    {
        using SharedArray<double> prices = SharedArray.Create<double>(Name, 3);
        using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>(Name);
        #region publish
        prices.Publish([101.25, 101.5, 1200]); // or fill the elements in place: Publish(state, (span, state) => ...)
        #endregion

        #region snapshot
        double[] copy = new double[3];
        ulong number = reader.ReadSnapshot(copy); // the elements of one publication, and its number
        #endregion

        Assert.That((number, copy[2]), Is.EqualTo((1UL, 1200)));
        for (int i = 0; i < 2; i++)
        {
            #region update
            try
            {
                prices.UpdateSnapshot(1300.0, static (elements, volume) => elements[2] = volume);
            }
            catch (AbandonedMutexException)
            {
                prices.Publish([101.25, 101.5, 1300]); // all elements from the writer's own data
            }
            #endregion

            Assert.That((reader.ReadSnapshot(copy), copy[2]), Is.EqualTo((2UL + (2UL * (ulong)i), 1300)));
            Assert.That(() => prices.Publish(0, static (_, _) => throw new TimeoutException()), Throws.InstanceOf<TimeoutException>());
        }

        prices.Publish([1, 2, 3]);
        List<double> shown = [];
        Follow(() => shown.Count == 2);
        Assert.That(shown, Is.EqualTo(new double[] { 3, 4 }));

        void Follow(Func<bool> isDone)
        {
            #region follow snapshots
            uint seen = reader.ChangeCounter.Count;
            while (!isDone())
            {
                _ = reader.ReadSnapshot(copy);
                Show(copy);
                seen = reader.ChangeCounter.Wait(seen);
            }
            #endregion
        }

        void Show(double[] elements)
        {
            shown.Add(elements[2]);
            prices.Publish([1, 2, 4]);
        }
    }

    [Test]
    public void Semaphore()
    {
        string name = Name;
        #region semaphore
        using NamedSemaphore permits = NamedSemaphore.CreateOrAttach(name, initialCount: 4); // at most four at a time
        if (permits.TryWait(TimeSpan.FromSeconds(1)))
        {
            try
            {
                Work();
            }
            finally
            {
                permits.Release();
            }
        }
        #endregion

        Assert.That(permits.CurrentCount, Is.EqualTo(4));

        void Work() => Assert.That(permits.CurrentCount, Is.EqualTo(3));
    }

    [Test]
    public void The_page_shows_the_code_that_runs()
        => Regions.CompareWithPage("LocksGuideTests.cs", "docs", "LOCKS.md");
}
