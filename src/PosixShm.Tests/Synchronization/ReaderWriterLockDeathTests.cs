using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>The reader-writer lock, whose readers and writers die at any moment.</summary>
internal sealed class ReaderWriterLockDeathTests : NamedTest
{
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(2);

    [Test]
    public void Killed_reader_blocks_no_writer_and_nothing_needs_a_repair()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using ChildProcess first = ChildProcess.Start(Read, Name);
        using ChildProcess second = ChildProcess.Start(Read, Name);
        first.Expect("INSIDE");
        second.Expect("INSIDE");
        Assert.That(array.ReaderWriterLock.TryEnterWrite(), Is.False);
        first.Kill();
        Assert.That(array.ReaderWriterLock.TryEnterWrite(TimeSpan.FromMilliseconds(150)), Is.False, "the other one reads");
        second.Kill();
        Assert.That(array.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
        Assert.That(array.ReaderWriterLock.TryEnterWrite(), Is.True, "at once: the slots are queried when they are met");
        Assert.That(PageWords.Readers(ShmPath), Is.Empty);
        array.ReaderWriterLock.ExitWrite();
    }

    [Test]
    public void Writer_gets_in_when_the_reader_that_it_waits_for_is_killed()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using ChildProcess reader = ChildProcess.Start(Read, Name);
        reader.Expect("INSIDE");
        Task<bool> writer = Task.Run(() =>
        {
            bool isInside = array.ReaderWriterLock.TryEnterWrite(s_longEnough);
            array.ReaderWriterLock.ExitWrite();
            return isInside;
        });
        WaitUntilNotZero(PageWords.Draining);
        reader.Kill();
        Assert.That(writer.Wait(s_longEnough) && writer.Result, Is.True);
    }

    [Test]
    public void Killed_writer_leaves_an_abandoned_lock_until_a_repair()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using SharedArray<long> other = SharedArray.Attach<long>(Name);
        using (ChildProcess writer = ChildProcess.Start(Write, Name))
        {
            writer.Expect("INSIDE");
            writer.Kill();
        }

        SharedReaderWriterLock entered = array.ReaderWriterLock;
        Assert.That(
            () => entered.EnterRead(),
            Throws.InstanceOf<AbandonedMutexException>().With.Message.Contains(Name).And.Message.Contains("EnterRecovery"));
        Assert.That(() => other.ReaderWriterLock.TryEnterRead(), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(() => other.ReaderWriterLock.TryEnterWrite(), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That((entered.State, entered.IsReadLockHeld), Is.EqualTo((SharedReaderWriterLockState.Abandoned, false)));

        // A repairer that dies, too.
        using (ChildProcess repairer = ChildProcess.Start(RepairForEver, Name))
        {
            repairer.Expect("INSIDE");
            Assert.That(entered.TryEnterRead(), Is.False);
            Assert.That(entered.State, Is.EqualTo(SharedReaderWriterLockState.HeldByWriter));
            repairer.Kill();
        }

        Assert.That(() => entered.EnterRead(), Throws.InstanceOf<AbandonedMutexException>());

        // An unfinished repair. An inner entry does not end it.
        using (SharedReaderWriterLock.RecoveryScope recovery = entered.EnterRecovery())
        {
            Assert.That(recovery.WasAbandoned, Is.True);
            entered.EnterWriteScope().Dispose();
            entered.EnterReadScope().Dispose();
        }

        Assert.That(() => other.ReaderWriterLock.EnterWrite(), Throws.InstanceOf<AbandonedMutexException>());
        using (SharedReaderWriterLock.RecoveryScope recovery = other.ReaderWriterLock.EnterRecovery())
        {
            recovery.MarkConsistent();
        }

        entered.EnterReadScope().Dispose();
        entered.EnterWriteScope().Dispose();
        using SharedReaderWriterLock.RecoveryScope healthy = entered.EnterRecovery();
        Assert.That(healthy.WasAbandoned, Is.False);
    }

    [Test]
    public void Waiting_readers_and_writers_get_an_exception_when_the_writer_is_killed()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using ChildProcess writer = ChildProcess.Start(Write, Name);
        writer.Expect("INSIDE");
        using ChildProcess waitingReader = ChildProcess.Start(EnterAndTell, Name, "read");
        using ChildProcess waitingWriter = ChildProcess.Start(EnterAndTell, Name, "write");
        waitingReader.Expect("WAITING");
        waitingWriter.Expect("WAITING");
        WaitUntilLockWordHasWaiter();
        writer.Kill();
        waitingReader.Expect("ABANDONED");
        waitingWriter.Expect("ABANDONED");
    }

    [TestCase("before-sleep")]
    [TestCase("after-sleep")]
    public void Writer_killed_while_it_waits_for_readers_had_not_begun_and_leaves_a_free_lock(string step)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using ChildProcess reader = ChildProcess.Start(Read, Name);
        reader.Expect("INSIDE");
        using (ChildProcess writer = ChildProcess.Start([(FailingShim.DieAt, step)], EnterAndTell, Name, "write"))
        {
            writer.Expect("WAITING");
            Assert.That(writer.WaitForExit(), Is.EqualTo(128 + 9));
        }

        Assert.That(PageWords.Read(ShmPath, PageWords.Draining), Is.Not.Zero, "it was about to sleep on the reader's slot");
        Assert.That(array.ReaderWriterLock.TryEnterRead(), Is.True);
        array.ReaderWriterLock.ExitRead();
        reader.Send("LEAVE");
        reader.WaitForSuccess();
        Assert.That(array.ReaderWriterLock.TryEnterWrite(), Is.True);
        Assert.That(PageWords.Read(ShmPath, PageWords.Draining), Is.Zero);
        array.ReaderWriterLock.ExitWrite();
    }

    [TestCase("read", "before-sleep")]
    [TestCase("read", "after-sleep")]
    [TestCase("write", "before-sleep")]
    [TestCase("write", "after-sleep")]
    public void Waiter_killed_around_its_sleep_delays_no_other_waiter(string what, string step)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        array.ReaderWriterLock.EnterWrite();
        using (ChildProcess waiter = ChildProcess.Start([(FailingShim.DieAt, step)], EnterAndTell, Name, what))
        {
            waiter.Expect("WAITING");
            Assert.That(waiter.WaitForExit(), Is.EqualTo(128 + 9));
        }

        using ChildProcess reader = ChildProcess.Start(EnterAndTell, Name, "read");
        using ChildProcess writer = ChildProcess.Start(EnterAndTell, Name, "write");
        reader.Expect("WAITING");
        writer.Expect("WAITING");
        WaitUntilLockWordHasWaiter();
        array.ReaderWriterLock.ExitWrite();
        reader.Expect("ENTERED");
        writer.Expect("ENTERED");
    }

    [Test]
    public void Holder_killed_between_exit_and_wake_up_delays_no_waiter(
        [Values("before-wake", "after-wake")] string step, [Values] bool isWriter)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using ChildProcess holder = ChildProcess.Start([(FailingShim.DieAt, step)], isWriter ? Write : Read, Name);
        holder.Expect("INSIDE");
        using ChildProcess waiter = ChildProcess.Start(EnterAndTell, Name, "write");
        waiter.Expect("WAITING");
        if (isWriter)
        {
            WaitUntilLockWordHasWaiter();
        }
        else
        {
            WaitUntilNotZero(PageWords.Draining);
        }

        holder.Send("LEAVE");
        Assert.That(holder.WaitForExit(), Is.EqualTo(128 + 9));
        waiter.Expect("ENTERED");
        waiter.WaitForSuccess();
    }

    [Test]
    public void Stopped_holder_is_alive([Values] bool isWriter)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using ChildProcess holder = ChildProcess.Start(isWriter ? Write : Read, Name);
        holder.Expect("INSIDE");
        _ = ChildProcess.Run("kill", "-STOP", $"{holder.Id}");
        Assert.That(array.ReaderWriterLock.TryEnterWrite(TimeSpan.FromMilliseconds(300)), Is.False);
        _ = ChildProcess.Run("kill", "-CONT", $"{holder.Id}");
        holder.Send("LEAVE");
        holder.WaitForSuccess();
        Assert.That(array.ReaderWriterLock.TryEnterWrite(s_longEnough), Is.True);
        array.ReaderWriterLock.ExitWrite();
    }

    [Test]
    public void Process_that_may_only_read_the_file_does_not_make_a_dead_reader_look_alive()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        array.ReaderWriterLock.EnterReadScope().Dispose();
        using ChildProcess reader = ChildProcess.Start(Read, Name);
        reader.Expect("INSIDE");
        using ChildProcess neighbour = Python.Start(
            """
            import fcntl, struct
            file = open(sys.argv[1], 'rb')
            print('READY', flush=True)
            input()
            for slot in range(1, 449):
                try:
                    fcntl.fcntl(file, 37, struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, (1 << 62) + slot, 1, 0))
                except OSError:
                    pass
            print('LOCKED', flush=True)
            input()
            """,
            ShmPath);
        neighbour.Expect("READY");
        reader.Kill();
        neighbour.Send("LOCK");
        neighbour.Expect("LOCKED");
        Assert.That(array.ReaderWriterLock.TryEnterWrite(), Is.True);
        array.ReaderWriterLock.ExitWrite();
        neighbour.Send("END");
        neighbour.WaitForSuccess();
    }

    [Test]
    public void Slot_of_a_dead_reader_that_has_a_new_owner_counts_no_reader()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using (ChildProcess reader = ChildProcess.Start(Read, Name))
        {
            reader.Expect("INSIDE");
            reader.Kill();
        }

        // Takes slots until that of the dead reader is in use again: no slot counts a reader then.
        List<SharedArray<long>> attachments = [];
        try
        {
            while (PageWords.Readers(ShmPath).Length != 0)
            {
                attachments.Add(SharedArray.Attach<long>(Name));
                attachments[^1].Lock.EnterScope().Dispose();
            }

            Assert.That(array.ReaderWriterLock.TryEnterWrite(), Is.True);
            array.ReaderWriterLock.ExitWrite();
        }
        finally
        {
            attachments.ForEach(attachment => attachment.Dispose());
        }
    }

    [TestCase(unchecked((int)0x8000_0000), TestName = "Word_with_waiters_and_no_owner_is_abandoned")]
    [TestCase(0x4000_01FF, TestName = "Word_of_a_slot_beyond_the_last_is_abandoned")]
    public void Garbage(int word)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        array.ReaderWriterLock.EnterReadScope().Dispose();
        PageWords.Write(ShmPath, PageWords.Writer, word);
        Assert.That(() => array.ReaderWriterLock.EnterRead(), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(() => array.ReaderWriterLock.EnterWrite(), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(array.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Abandoned));
        using SharedReaderWriterLock.RecoveryScope recovery = array.ReaderWriterLock.EnterRecovery();
        recovery.MarkConsistent();
    }

    [TestCase(2, 100)]
    [TestCase(4, 100)]
    [TestCase(8, 100)]
    public void A_storm_of_kills_tears_nothing_unnoticed_and_lets_no_process_wait(int processes, int kills)
    {
        long[] counts = ReaderWriterStorm.Run(Name, processes, seed: processes, kills);
        TestContext.Out.WriteLine(ReaderWriterStorm.Describe(counts));
        Assert.That(ReaderWriterStorm.IsGood(counts), Is.True, ReaderWriterStorm.Describe(counts));
        Assert.That(counts[(int)ReaderWriterStorm.Count.Kills], Is.EqualTo(kills));
    }

    private static int Read(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        using (array.ReaderWriterLock.EnterReadScope())
        {
            Console.WriteLine("INSIDE");
            _ = Console.ReadLine();
        }

        return 0;
    }

    private static int Write(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        using (array.ReaderWriterLock.EnterWriteScope())
        {
            Console.WriteLine("INSIDE");
            _ = Console.ReadLine();
        }

        return 0;
    }

    private static int RepairForEver(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        using SharedReaderWriterLock.RecoveryScope recovery = array.ReaderWriterLock.EnterRecovery();
        recovery.MarkConsistent();
        Console.WriteLine("INSIDE");
        _ = Console.ReadLine();
        return 0;
    }

    private static int EnterAndTell(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        Console.WriteLine("WAITING");
        try
        {
            bool isReader = args[1] == "read";
            if (!(isReader ? entered.TryEnterRead(s_longEnough) : entered.TryEnterWrite(s_longEnough)))
            {
                return 1;
            }

            Console.WriteLine("ENTERED");
            (isReader ? (Action)entered.ExitRead : entered.ExitWrite)();
        }
        catch (AbandonedMutexException)
        {
            Console.WriteLine("ABANDONED");
        }

        return 0;
    }

    private void WaitUntilLockWordHasWaiter()
        => Assert.That(() => PageWords.Read(ShmPath, PageWords.Writer), Is.Negative.After(60_000, 5), "the lock has no waiter");

    private void WaitUntilNotZero(int word) => Assert.That(() => PageWords.Read(ShmPath, word), Is.Not.Zero.After(60_000, 5));
}
