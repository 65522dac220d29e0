using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>The reader-writer lock among living threads, attachments and processes.</summary>
internal sealed class ReaderWriterLockTests : NamedTest
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Test]
    public void Readers_enter_together_and_keep_writers_out()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        Assert.That((entered.State, entered.IsReadLockHeld), Is.EqualTo((SharedReaderWriterLockState.Free, false)));
        using (entered.EnterReadScope())
        {
            Assert.That((entered.IsReadLockHeld, entered.IsWriteLockHeld), Is.EqualTo((true, false)));
            OtherThread.Run(() =>
            {
                Assert.That(entered.IsReadLockHeld, Is.False);
                Assert.That(entered.TryEnterWrite(), Is.False, "another thread");
                Assert.That(entered.TryEnterRead(), Is.True);
                Assert.That(PageWords.Readers(ShmPath), Is.EqualTo(new[] { 2 }), "both are counted");
                entered.ExitRead();
            });
            Assert.That(other.ReaderWriterLock.TryEnterWrite(s_short), Is.False, "another attachment");
            Assert.That(other.ReaderWriterLock.TryEnterRead(), Is.True);
            Assert.That(other.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.HeldByReaders));
            other.ReaderWriterLock.ExitRead();
        }

        Assert.That((entered.State, entered.IsReadLockHeld), Is.EqualTo((SharedReaderWriterLockState.Free, false)));
        Assert.That(entered.ExitRead, Throws.InstanceOf<SynchronizationLockException>());
        Assert.That(PageWords.Readers(ShmPath), Is.Empty);
    }

    [Test]
    public void Writer_keeps_readers_and_writers_out()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        using (entered.EnterWriteScope())
        {
            Assert.That((entered.IsReadLockHeld, entered.IsWriteLockHeld), Is.EqualTo((false, true)));
            Assert.That(entered.State, Is.EqualTo(SharedReaderWriterLockState.HeldByWriter));
            foreach (SharedReaderWriterLock waited in new[] { entered, other.ReaderWriterLock })
            {
                OtherThread.Run(() =>
                {
                    Assert.That(waited.TryEnterRead(), Is.False);
                    Assert.That(waited.TryEnterRead(s_short), Is.False);
                    Assert.That(waited.TryEnterWrite(), Is.False);
                    Assert.That(waited.TryEnterWrite(s_short), Is.False);
                    Assert.That(waited.ExitWrite, Throws.InstanceOf<SynchronizationLockException>());
                });
            }
        }

        Assert.That(other.ReaderWriterLock.TryEnterWrite(), Is.True);
        other.ReaderWriterLock.ExitWrite();
        Assert.That(entered.ExitWrite, Throws.InstanceOf<SynchronizationLockException>());
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free), "another lock");
    }

    [Test]
    public void Thread_that_is_inside_enters_again()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        using (entered.EnterReadScope())
        using (entered.EnterReadScope())
        {
            Assert.That(PageWords.Readers(ShmPath), Is.EqualTo(new[] { 1 }), "a thread is counted once");
        }

        using (entered.EnterWriteScope())
        using (entered.EnterWriteScope())
        using (entered.EnterReadScope())
        {
            Assert.That((entered.IsReadLockHeld, entered.IsWriteLockHeld), Is.EqualTo((true, true)));
            Assert.That(PageWords.Readers(ShmPath), Is.Empty, "a writer that reads is not counted");
            Assert.That(() => entered.EnterRecovery().Dispose(), Throws.InstanceOf<LockRecursionException>());
        }

        Assert.That(entered.State, Is.EqualTo(SharedReaderWriterLockState.Free));
    }

    [Test]
    public void Upgrade_is_refused_at_once()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        using (entered.EnterReadScope())
        {
            Assert.That(() => entered.EnterWrite(), Throws.InstanceOf<LockRecursionException>().With.Message.Contains(Name));
            Assert.That(() => entered.TryEnterWrite(s_short), Throws.InstanceOf<LockRecursionException>());
            Assert.That(() => entered.EnterRecovery().Dispose(), Throws.InstanceOf<LockRecursionException>());
            Assert.That(entered.State, Is.EqualTo(SharedReaderWriterLockState.HeldByReaders));
        }

        entered.EnterWriteScope().Dispose();
    }

    [Test]
    public void Reader_inside_does_not_wait_behind_a_writer_that_waits_for_it_but_new_readers_do()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        array.ReaderWriterLock.EnterRead();
        Task writer = Task.Run(() => other.ReaderWriterLock.EnterWriteScope().Dispose());
        WaitUntilWriterWaitsForReaders();
        Assert.That(array.ReaderWriterLock.TryEnterRead(), Is.True, "again");
        OtherThread.Run(() => Assert.That(array.ReaderWriterLock.TryEnterRead(s_short), Is.False, "readers cannot starve the writer"));
        Assert.That(array.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.HeldByReaders));
        array.ReaderWriterLock.ExitRead();
        array.ReaderWriterLock.ExitRead();
        Assert.That(writer.Wait(s_limit), Is.True);
        Assert.That(PageWords.Read(ShmPath, PageWords.Draining), Is.Zero);
    }

    [Test]
    public void Writer_that_also_reads_stays_inside_as_a_reader()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        entered.EnterWrite();
        entered.EnterRead();
        entered.ExitWrite();
        Assert.That((entered.IsReadLockHeld, entered.IsWriteLockHeld), Is.EqualTo((true, false)));
        Assert.That(other.ReaderWriterLock.TryEnterWrite(), Is.False);
        other.ReaderWriterLock.EnterReadScope().Dispose();
        entered.ExitRead();
        Assert.That(other.ReaderWriterLock.TryEnterWrite(), Is.True);
        other.ReaderWriterLock.ExitWrite();
    }

    [Test]
    public void Thread_is_inside_the_locks_of_many_arrays_at_once_and_leaves_them_in_any_order()
    {
        SharedArray<int>[] arrays = [.. Enumerable.Range(0, 20).Select(i => SharedArray.Create<int>(NameOf($"{i}"), 1))];
        try
        {
            for (int round = 0; round < 3; round++)
            {
                Array.ForEach(arrays, static array => array.ReaderWriterLock.EnterRead());
                OtherThread.Run(() => Assert.That(arrays.Any(static array => array.ReaderWriterLock.TryEnterWrite()), Is.False));
                Random random = new(round);
                foreach (SharedArray<int> array in arrays.OrderBy(_ => random.Next()))
                {
                    array.ReaderWriterLock.ExitRead();
                    OtherThread.Run(() => array.ReaderWriterLock.EnterWriteScope().Dispose());
                    Assert.That(array.ReaderWriterLock.ExitRead, Throws.InstanceOf<SynchronizationLockException>());
                }
            }
        }
        finally
        {
            Array.ForEach(arrays, static array => array.Dispose());
        }
    }

    [Test]
    public void Entries_allocate_nothing_also_if_two_locks_alternate()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Create<int>(NameOf("other"), 1);
        Alternate(array.ReaderWriterLock, other.ReaderWriterLock, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Alternate(array.ReaderWriterLock, other.ReaderWriterLock, 1000);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        static void Alternate(SharedReaderWriterLock first, SharedReaderWriterLock second, int count)
        {
            for (int i = 0; i < count; i++)
            {
                using (first.EnterReadScope())
                {
                    second.EnterWriteScope().Dispose();
                }

                second.EnterReadScope().Dispose();
                first.EnterWriteScope().Dispose();
            }
        }
    }

    [Test]
    public void A_wait_ends_with_its_time_or_its_token_and_leaves_the_words_as_they_were([Values] bool isWriterInside)
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> waiter = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock held = holder.ReaderWriterLock;
        (isWriterInside ? (Action)(() => held.EnterWrite()) : () => held.EnterRead())();
        Assert.That(waiter.ReaderWriterLock.TryEnterWrite(s_short), Is.False);
        using CancellationTokenSource source = new(s_short);
        Assert.That(() => waiter.ReaderWriterLock.EnterWrite(source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(
            () => waiter.ReaderWriterLock.TryEnterWrite(TimeSpan.FromSeconds(-5)), Throws.InstanceOf<ArgumentOutOfRangeException>());
        if (isWriterInside)
        {
            using CancellationTokenSource readers = new(s_short);
            Assert.That(() => waiter.ReaderWriterLock.EnterRead(readers.Token), Throws.InstanceOf<OperationCanceledException>());
            held.ExitWrite();
        }
        else
        {
            held.ExitRead();
        }

        int[] words = [.. new[] { PageWords.Writer, PageWords.Inside, PageWords.Draining }.Select(word => PageWords.Read(ShmPath, word))];
        Assert.That(words, Is.All.Zero);
        Assert.That(waiter.ReaderWriterLock.TryEnterWrite(s_limit), Is.True);
        waiter.ReaderWriterLock.ExitWrite();
    }

    [Test]
    public void Interrupt_ends_a_wait([Values("read", "write", "write behind readers", "recovery")] string what, [Values] bool isPending)
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> waiter = SharedArray.Attach<int>(Name);
        bool isReaderInside = what == "write behind readers";
        (isReaderInside ? (Action)(() => holder.ReaderWriterLock.EnterRead()) : () => holder.ReaderWriterLock.EnterWrite())();
        Action wait = what switch
        {
            "read" => () => waiter.ReaderWriterLock.EnterRead(),
            "recovery" => () => waiter.ReaderWriterLock.EnterRecovery().Dispose(),
            _ => () => waiter.ReaderWriterLock.EnterWrite(),
        };
        using ManualResetEventSlim isRunning = new();
        Exception? ended = null;
        Thread thread = new(() =>
        {
            if (isPending)
            {
                Thread.CurrentThread.Interrupt();
            }

            isRunning.Set();
            ended = Assert.Catch(() => wait());
        });
        thread.Start();
        isRunning.Wait();
        if (!isPending)
        {
            thread.Interrupt();
        }

        Assert.That(thread.Join(s_limit), Is.True);
        Assert.That(ended, Is.InstanceOf<ThreadInterruptedException>());
        (isReaderInside ? (Action)holder.ReaderWriterLock.ExitRead : holder.ReaderWriterLock.ExitWrite)();
        Assert.That(waiter.ReaderWriterLock.TryEnterWrite(s_limit), Is.True, "the waiter is not inside");
        waiter.ReaderWriterLock.ExitWrite();
    }

    [Test]
    public void Read_only_and_private_attachments_see_the_lock_but_do_not_enter()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(Name);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        Assert.That(reader.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free), "without a page");
        using (array.ReaderWriterLock.EnterReadScope())
        {
            Assert.That(
                (reader.ReaderWriterLock.State, copy.ReaderWriterLock.State),
                Is.EqualTo((SharedReaderWriterLockState.HeldByReaders, SharedReaderWriterLockState.HeldByReaders)));
        }

        Assert.That(() => reader.ReaderWriterLock.EnterRead(), Throws.InvalidOperationException.With.Message.Contains("read only"));
        Assert.That(() => copy.ReaderWriterLock.TryEnterWrite(), Throws.InvalidOperationException.With.Message.Contains("private copy"));
        using SharedArray<int> none = SharedArray.Create(NameOf("none"), ArrayContent.Zeros<int>(1), new SharedArrayOptions { Locks = 0 });
        Assert.That(() => none.ReaderWriterLock, Throws.InvalidOperationException.With.Message.Contains("NamedSemaphore"));
    }

    [Test]
    public void Readers_of_one_attachment_have_a_limit_and_a_count_that_others_changed_is_noticed()
    {
        const int Reader = 1 << 21;
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        array.ReaderWriterLock.EnterRead();
        int slot = PageWords.Slot(PageWords.OnlySlot(ShmPath));
        int generation = PageWords.Read(ShmPath, slot) - Reader;
        PageWords.Write(ShmPath, slot, unchecked(generation + (2000 * Reader)));
        OtherThread.Run(
            () => Assert.That(() => array.ReaderWriterLock.EnterRead(), Throws.InvalidOperationException.With.Message.Contains("2000")));
        Assert.That(PageWords.Read(ShmPath, slot), Is.EqualTo(unchecked(generation + (2000 * Reader))), "nothing is counted");
        PageWords.Write(ShmPath, slot, generation);
        Assert.That(
            array.ReaderWriterLock.ExitRead, Throws.InstanceOf<InvalidDataException>().With.Message.Contains("overwritten"));
        Assert.That(PageWords.Read(ShmPath, slot), Is.EqualTo(generation));
        array.ReaderWriterLock.EnterWrite();
        PageWords.Write(ShmPath, PageWords.Writer, 77);
        Assert.That(
            array.ReaderWriterLock.ExitWrite, Throws.InstanceOf<InvalidDataException>().With.Message.Contains("overwritten"));
    }

    [Test]
    public void Request_of_a_dead_reader_delays_a_writer_once()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        array.ReaderWriterLock.EnterReadScope().Dispose();
        PageWords.Write(ShmPath, PageWords.Turn, 77);
        Assert.That(array.ReaderWriterLock.TryEnterWrite(), Is.True, "a caller that does not wait does not pause");
        array.ReaderWriterLock.ExitWrite();
        Assert.That(array.ReaderWriterLock.TryEnterWrite(s_limit), Is.True);
        Assert.That(PageWords.Read(ShmPath, PageWords.Turn), Is.Zero);
        array.ReaderWriterLock.ExitWrite();
    }

    [TestCase(1)]
    [TestCase(4)]
    public void Request_of_a_dead_reader_keeps_no_writer_with_little_time_out(int milliseconds)
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        array.ReaderWriterLock.EnterReadScope().Dispose();
        for (int i = 0; i < 20; i++)
        {
            PageWords.Write(ShmPath, PageWords.Turn, 77);
            Assert.That(array.ReaderWriterLock.TryEnterWrite(TimeSpan.FromMilliseconds(milliseconds)), Is.True);
            array.ReaderWriterLock.ExitWrite();
        }
    }

    [Test]
    public void Scope_exits_its_own_lock_also_if_the_thread_has_left_it_and_entered_others()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock.ReadScope scope = array.ReaderWriterLock.EnterReadScope();
        array.ReaderWriterLock.ExitRead();
        using (other.ReaderWriterLock.EnterReadScope())
        {
            try
            {
                scope.Dispose();
                Assert.Fail("The thread is not inside.");
            }
            catch (SynchronizationLockException)
            {
            }

            array.ReaderWriterLock.EnterRead();
            scope.Dispose();
            Assert.That((array.ReaderWriterLock.IsReadLockHeld, other.ReaderWriterLock.IsReadLockHeld), Is.EqualTo((false, true)));
            Assert.That(PageWords.Readers(ShmPath), Is.EqualTo(new[] { 1 }));
        }

        Assert.That(PageWords.Readers(ShmPath), Is.Empty);
    }

    [Test]
    public void Overtaken_reader_asks_writers_to_pause_and_ends_that_when_it_is_inside()
    {
        using SharedArray<int> writer = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> reader = SharedArray.Attach<int>(Name);
        writer.ReaderWriterLock.EnterWrite();
        Task reading = Task.Run(() => reader.ReaderWriterLock.EnterReadScope().Dispose());

        // Each look of the reader at a lock that is not free counts, so the request comes after four sleeps.
        Assert.That(() => PageWords.Read(ShmPath, PageWords.Turn), Is.Not.Zero.After(60_000, 5));
        writer.ReaderWriterLock.ExitWrite();
        Assert.That(reading.Wait(s_limit), Is.True);
        Assert.That(PageWords.Read(ShmPath, PageWords.Turn), Is.Zero);
    }

    [Test]
    public void A_second_array_over_the_same_attachment_has_the_same_lock()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        UntypedSharedArray untyped = SharedArray.AttachUntyped(Name);
        using SharedArray<int> typed = untyped.As<int>();
        Assert.That(typed.ReaderWriterLock == untyped.ReaderWriterLock && typed.ReaderWriterLock != array.ReaderWriterLock, Is.True);
        Assert.That(typed.ReaderWriterLock.Equals((object)untyped.ReaderWriterLock), Is.True);
        Assert.That(typed.ReaderWriterLock.GetHashCode(), Is.EqualTo(untyped.ReaderWriterLock.GetHashCode()));
        untyped.ReaderWriterLock.EnterWrite();
        untyped.Dispose();
        Assert.That(array.ReaderWriterLock.TryEnterRead(), Is.False);
        typed.ReaderWriterLock.ExitWrite();
    }

    [Test]
    public void Default_lock_is_no_array_s_lock()
    {
        SharedReaderWriterLock none = default;
        Action[] members =
        [
            () => _ = none.State, () => _ = none.IsReadLockHeld, () => _ = none.IsWriteLockHeld, none.ExitRead, none.ExitWrite,
            () => none.EnterRead(), () => none.EnterWrite(), () => _ = none.TryEnterRead(), () => _ = none.TryEnterWrite(),
            () => _ = none.TryEnterRead(TimeSpan.Zero), () => _ = none.TryEnterWrite(TimeSpan.Zero),
            () => none.EnterReadScope().Dispose(), () => none.EnterWriteScope().Dispose(), () => none.EnterRecovery().Dispose(),
        ];
        foreach (Action member in members)
        {
            Assert.That(() => member(), Throws.InvalidOperationException.With.Message.Contains("default"));
        }

        default(SharedReaderWriterLock.ReadScope).Dispose();
        default(SharedReaderWriterLock.WriteScope).Dispose();
        Assert.That((none == default, none.GetHashCode()), Is.EqualTo((true, 0)));
        Assert.That(typeof(SharedReaderWriterLock).IsValueType, Is.True, "the compiler's error CS0185");
    }

    [Test]
    public void File_that_another_program_saved_over_is_lost()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1000);
        array.ReaderWriterLock.EnterRead();
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.full(5000, -1))", ShmPath);
        byte[] saved = File.ReadAllBytes(ShmPath);
        Assert.That(array.ReaderWriterLock.ExitRead, Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => array.ReaderWriterLock.EnterRead(), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => array.ReaderWriterLock.EnterWrite(), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(File.ReadAllBytes(ShmPath), Is.EqualTo(saved));
    }

    [TestCase(3, 3)]
    [TestCase(1, 4)]
    [TestCase(4, 1)]
    public void Neither_readers_nor_writers_starve(int readers, int writers)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 8);
        using ChildProcessGroup children = new();
        children.Start(readers + writers, Compete, Name, $"{readers}", $"{writers}");
        children.Expect("READY");
        children.WaitForSuccess();

        static int Compete(string[] args)
        {
            const int Enough = 300;
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            int readers = int.Parse(args[1], CultureInfo.InvariantCulture);
            int all = readers + int.Parse(args[2], CultureInfo.InvariantCulture);
            int mine = (int)Interlocked.Increment(ref array[7]) - 1;
            bool isReader = mine < readers;
            Console.WriteLine("READY");

            // Each process continues until all had their turns. If one starves, the others continue until the time limit.
            while (Enumerable.Range(0, all).Any(other => Volatile.Read(ref array[other]) < Enough))
            {
                if (isReader)
                {
                    array.ReaderWriterLock.EnterRead();
                }
                else
                {
                    array.ReaderWriterLock.EnterWrite();
                }

                array[mine]++;
                Thread.SpinWait(200);
                (isReader ? (Action)array.ReaderWriterLock.ExitRead : array.ReaderWriterLock.ExitWrite)();
            }

            return 0;
        }
    }

    private void WaitUntilWriterWaitsForReaders()
        => Assert.That(() => PageWords.Read(ShmPath, PageWords.Draining), Is.Not.Zero.After(60_000, 5), "no writer waits");
}
