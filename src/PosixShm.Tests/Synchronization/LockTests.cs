using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Locks among living threads, attachments and processes.</summary>
internal sealed class LockTests : NamedTest
{
    [Test]
    public void Lock_is_entered_and_exited()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        Assert.That(
            (array.Lock.State, array.Lock.IsHeldByCurrentThread, array.Locks), Is.EqualTo((SharedLockState.Free, false, array.Locks)));
        using (array.Lock.EnterScope())
        {
            Assert.That((array.Lock.State, array.Lock.IsHeldByCurrentThread), Is.EqualTo((SharedLockState.Held, true)));
            Assert.That(array.Lock.OwnerSlot, Is.InRange(1, 448));
            Assert.That(array.Lock.FindOwnerProcess(), Is.EqualTo(Environment.ProcessId));
        }

        Assert.That((array.Lock.State, array.Lock.OwnerSlot), Is.EqualTo((SharedLockState.Free, 0)));
        Assert.That(array.Lock.TryEnter(), Is.True);
        array.Lock.Exit();
        Assert.That(array.Lock.Exit, Throws.InstanceOf<SynchronizationLockException>());
    }

    [Test]
    public void Owner_may_enter_the_lock_again()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        array.Lock.Enter();
        Assert.That(array.Lock.TryEnter(TimeSpan.FromSeconds(1)), Is.True);
        using (array.Lock.EnterScope())
        {
            Assert.That(() => array.Lock.EnterRecovery().Dispose(), Throws.InstanceOf<LockRecursionException>());
        }

        array.Lock.Exit();
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Held));
        array.Lock.Exit();
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free));
    }

    [Test]
    public void Another_thread_can_neither_enter_nor_exit_a_held_lock()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        array.Lock.Enter();
        OtherThread.Run(() =>
        {
            Assert.That(array.Lock.IsHeldByCurrentThread, Is.False);
            Assert.That(array.Lock.TryEnter(TimeSpan.FromMilliseconds(20)), Is.False);
            Assert.That(array.Lock.Exit, Throws.InstanceOf<SynchronizationLockException>());
        });
        array.Lock.Exit();
        OtherThread.Run(() => array.Lock.EnterScope().Dispose());
    }

    [Test]
    public void Two_attachments_in_one_process_exclude_each_other()
    {
        using SharedArray<int> first = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> second = SharedArray.Attach<int>(Name);
        using (first.Lock.EnterScope())
        {
            Assert.That(second.Lock.TryEnter(), Is.False);
            Assert.That(second.Lock.State, Is.EqualTo(SharedLockState.Held));
        }

        Assert.That(second.Lock.TryEnter(), Is.True);
        Assert.That(first.Lock.TryEnter(), Is.False);
        second.Lock.Exit();
    }

    [Test]
    public void Locks_of_one_array_are_independent_and_as_many_as_requested()
    {
        using SharedArray<int> array = SharedArray.Create(
            NameOf("many"), ArrayContent.Zeros<int>(1000), new SharedArrayOptions { Locks = 100 });
        using SharedArray<int> other = SharedArray.Attach<int>(NameOf("many"));
        Assert.That(other.Locks, Has.Count.EqualTo(100));
        using (array.Locks[99].EnterScope())
        {
            Assert.That(other.Locks[99].TryEnter(), Is.False);
            Assert.That(other.Locks.Take(99).All(shared => shared.TryEnter()), Is.True);
            foreach (SharedLock shared in other.Locks.Take(99))
            {
                shared.Exit();
            }
        }

        Assert.That(array, Is.All.Zero, "no lock lies in the elements");
        Assert.That(() => array.Locks[100], Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new SharedArrayOptions { Locks = -1 }, Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Every_lock_has_a_cache_line_of_its_own()
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.Zeros<int>(1), new SharedArrayOptions { Locks = 3 });
        array.Locks[0].Enter();
        array.Locks[2].Enter();
        int[] words = [.. Enumerable.Range(0, 3).Select(i => LockWords.Read(ShmPath, i))];
        Assert.That((words[0] != 0, words[1], words[2] == words[0]), Is.EqualTo((true, 0, true)));
        array.Locks[0].Exit();
        array.Locks[2].Exit();
    }

    [Test]
    public void Array_without_locks_has_no_lock_and_no_change_counter()
    {
        using SharedArray<int> none = SharedArray.Create(NameOf("none"), ArrayContent.Zeros<int>(1), new SharedArrayOptions { Locks = 0 });
        using SharedArray<int> raw = SharedArray.AttachRaw<int>(NameOf("none"), [1], offset: 128);
        using (Assert.EnterMultipleScope())
        {
            foreach (SharedArray<int> array in new[] { none, raw })
            {
                Assert.That(array.Locks, Is.Empty);
                Assert.That(() => array.Lock, Throws.InvalidOperationException.With.Message.Contains("NamedSemaphore"));
                Assert.That(() => array.ChangeCounter, Throws.InvalidOperationException.With.Message.Contains("NamedSemaphore"));
            }
        }
    }

    [Test]
    public void File_that_numpy_wrote_has_locks_and_stays_the_same_to_numpy()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'xb'), np.arange(3.0))", ShmPath);
        using SharedArray<double> array = SharedArray.Attach(Name);
        using SharedArray<double> other = SharedArray.Attach(Name);
        Assert.That(array.Locks, Has.Count.EqualTo(31));
        using (array.Locks[30].EnterScope())
        {
            Assert.That(other.Locks[30].TryEnter(), Is.False);
            string seen = Python.Run("print(np.load(sys.argv[1]), np.load(sys.argv[1], mmap_mode='r'))", ShmPath);
            Assert.That(seen, Is.EqualTo("[0. 1. 2.] [0. 1. 2.]"));
        }
    }

    [Test]
    public void Read_only_and_private_attachments_see_locks_but_do_not_enter()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(Name);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        using (array.Lock.EnterScope())
        {
            Assert.That((reader.Lock.State, copy.Lock.State), Is.EqualTo((SharedLockState.Held, SharedLockState.Held)));
        }

        Assert.That(() => reader.Lock.Enter(), Throws.InvalidOperationException.With.Message.Contains("read only"));
        Assert.That(() => copy.Lock.TryEnter(), Throws.InvalidOperationException.With.Message.Contains("private copy"));
    }

    [Test]
    public void A_wait_ends_with_its_time_or_its_token()
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> waiter = SharedArray.Attach<int>(Name);
        holder.Lock.Enter();
        Assert.That(waiter.Lock.TryEnter(TimeSpan.FromMilliseconds(120)), Is.False);
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(50));
        Assert.That(() => waiter.Lock.Enter(source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await waiter.Lock.EnterAsync(source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => waiter.Lock.TryEnter(TimeSpan.FromSeconds(-5)), Throws.InstanceOf<ArgumentOutOfRangeException>());
        holder.Lock.Exit();
        Assert.That(waiter.Lock.TryEnter(), Is.True);
        waiter.Lock.Exit();
    }

    [Test]
    public async Task An_asynchronous_entry_is_left_on_any_thread_and_entries_wait_in_turn()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        async Task AddOne()
        {
            for (int i = 0; i < 100; i++)
            {
                using SharedLockReleaser releaser = await array.Lock.EnterAsync();
                long before = array[0];
                await Task.Yield();
                array[0] = before + 1;
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(AddOne)));
        Assert.That(array[0], Is.EqualTo(1000));
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free));
    }

    [Test]
    public void An_array_disposed_while_its_lock_is_held_stays_mapped_until_it_is_left()
    {
        using SharedArray<int> other = SharedArray.Create<int>(Name, 1);
        SharedArray<int> array = SharedArray.Attach<int>(Name);
        SharedLock held = array.Lock;
        using (held.EnterScope())
        {
            array.Dispose();
            Assert.That(other.Lock.State, Is.EqualTo(SharedLockState.Held));
            Assert.That(() => array.Lock, Throws.InstanceOf<ObjectDisposedException>());
        }

        Assert.That(other.Lock.State, Is.EqualTo(SharedLockState.Free));
        Assert.That(() => held.Enter(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => held.State, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => held.Exit(), Throws.InstanceOf<SynchronizationLockException>());
    }

    [Test]
    public void A_second_array_over_the_same_attachment_has_the_same_locks()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        UntypedSharedArray untyped = SharedArray.AttachUntyped(Name);
        using SharedArray<int> typed = untyped.As<int>();
        untyped.Lock.Enter();
        OtherThread.Run(() => Assert.That(typed.Lock.TryEnter(TimeSpan.FromMilliseconds(20)), Is.False, "neither free nor abandoned"));
        Assert.That(typed.Lock, Is.EqualTo(untyped.Lock));
        untyped.Lock.Exit();
        untyped.Dispose();
        using (typed.Lock.EnterScope())
        {
            Assert.That(array.Lock.TryEnter(), Is.False);
        }
    }

    [Test]
    public void Waiter_whose_array_is_disposed_gets_an_exception_and_leaves_the_lock_alone()
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        SharedArray<int> waiter = SharedArray.Attach<int>(Name);
        SharedLock waited = waiter.Lock;
        holder.Lock.Enter();
        Task waiting = Task.Run(() => waited.Enter());
        WaitUntilLockHasWaiter();
        waiter.Dispose();
        Assert.That(
            () => waiting.Wait(30_000), Throws.InstanceOf<AggregateException>().With.InnerException.InstanceOf<ObjectDisposedException>());
        holder.Lock.Exit();
        Assert.That(holder.Lock.State, Is.EqualTo(SharedLockState.Free));
        Assert.That(OwnProcess.CountMappings(Name), Is.Zero);
    }

    [Test]
    public void A_waiting_thread_does_not_hold_up_a_garbage_collection()
    {
        ChildProcess.Run(CollectWhileWaiting, Name);

        static int CollectWhileWaiting(string[] args)
        {
            using SharedArray<int> holder = SharedArray.Create<int>(args[0], 1);
            using SharedArray<int> waiter = SharedArray.Attach<int>(args[0]);
            holder.Lock.Enter();
            Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() => waiter.Lock.EnterScope().Dispose()))];
            Array.ForEach(threads, thread => thread.Start());
            SpinWait.SpinUntil(() => LockWords.Read(ShmPathOf(args[0])) < 0, 30_000);

            // If a waiter blocked the collection, it would never end: the waiters wait for the exit that follows it.
            for (int i = 0; i < 20; i++)
            {
                GC.Collect();
            }

            holder.Lock.Exit();
            return threads.All(thread => thread.Join(30_000)) ? 0 : 1;
        }
    }

    [TestCase(10)]
    [TestCase(100, Category = "More")]
    public void Processes_that_count_under_one_lock_lose_no_count(int processes)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using ChildProcessGroup children = new();
        children.Start(processes, Count, Name);
        children.Expect("READY");
        children.Send("GO");
        children.WaitForSuccess();

        Assert.That((array[0], array[1]), Is.EqualTo((processes * 1000L, processes * 1000L)));
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free));

        static int Count(string[] args)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            Console.WriteLine("READY");
            _ = Console.ReadLine();
            for (int i = 0; i < 1000; i++)
            {
                using (array.Lock.EnterScope())
                {
                    array[0]++;
                    array[1]++;
                }
            }

            return 0;
        }
    }

    [Test]
    public void Neither_of_two_contending_threads_starves()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using ChildProcess first = ChildProcess.Start(Compete, Name, "0");
        using ChildProcess second = ChildProcess.Start(Compete, Name, "1");
        first.Expect("READY");
        second.Expect("READY");
        first.WaitForSuccess();
        second.WaitForSuccess();

        static int Compete(string[] args)
        {
            const int Enough = 3000;
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            int mine = args[1] == "0" ? 0 : 1;
            Console.WriteLine("READY");
            while (true)
            {
                // Each process continues until both had their turns. If one starves, the other continues until the time limit.
                using (array.Lock.EnterScope())
                {
                    array[mine]++;
                    if (Math.Min(array[0], array[1]) >= Enough)
                    {
                        return 0;
                    }
                }
            }
        }
    }
}
