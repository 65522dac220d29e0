using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>The reader-writer lock whose array is disposed, or whose threads end, while it is held or waited for.</summary>
internal sealed class ReaderWriterLockLifetimeTests : NamedTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Test]
    public void An_array_disposed_while_its_lock_is_held_stays_mapped_until_it_is_left([Values] bool isWriter)
    {
        using SharedArray<int> other = SharedArray.Create<int>(Name, 1);
        other.ReaderWriterLock.EnterReadScope().Dispose();
        int mappings = OwnProcess.CountMappings(Name);
        SharedArray<int> array = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock held = array.ReaderWriterLock;
        (isWriter ? (Action)(() => held.EnterWrite()) : () => held.EnterRead())();
        array.Dispose();
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings + 1));
        Assert.That(
            other.ReaderWriterLock.State,
            Is.EqualTo(isWriter ? SharedReaderWriterLockState.HeldByWriter : SharedReaderWriterLockState.HeldByReaders));
        Assert.That(() => array.ReaderWriterLock, Throws.InstanceOf<ObjectDisposedException>());
        OtherThread.Run(() => Assert.That(() => held.EnterRead(), Throws.InstanceOf<ObjectDisposedException>()));
        Assert.That(held.TryEnterRead(), Is.True, "a holder may enter again");
        held.ExitRead();
        (isWriter ? (Action)held.ExitWrite : held.ExitRead)();
        Assert.That(other.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings));
        Assert.That(() => held.EnterRead(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => held.State, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(held.ExitRead, Throws.InstanceOf<SynchronizationLockException>());
    }

    [Test]
    public void Writer_of_a_disposed_array_that_stays_as_a_reader_keeps_the_memory_until_it_exits()
    {
        using SharedArray<int> other = SharedArray.Create<int>(Name, 1);
        other.ReaderWriterLock.EnterReadScope().Dispose();
        int mappings = OwnProcess.CountMappings(Name);
        SharedArray<int> array = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock held = array.ReaderWriterLock;
        held.EnterWrite();
        held.EnterRead();
        array.Dispose();
        held.ExitWrite();
        Assert.That(other.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.HeldByReaders));
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings + 1));
        held.ExitRead();
        Assert.That(other.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings));
    }

    [Test]
    public void Scope_whose_thread_left_and_entered_again_lets_the_memory_of_a_disposed_array_go()
    {
        using SharedArray<int> other = SharedArray.Create<int>(NameOf("other"), 1);
        SharedArray.Create<int>(Name, 1).Dispose();
        int mappings = OwnProcess.CountMappings(Name);
        SharedArray<int> array = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock held = array.ReaderWriterLock;
        using (held.EnterReadScope())
        {
            // The scope's note becomes the other lock's.
            held.ExitRead();
            other.ReaderWriterLock.EnterRead();
            held.EnterRead();
            array.Dispose();
            Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings + 1));
        }

        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings));
        other.ReaderWriterLock.ExitRead();
    }

    [Test]
    public void Only_the_lock_that_is_held_keeps_its_memory([Values] bool isFirst)
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        int mappings = OwnProcess.CountMappings(Name);
        using SharedArray<int> other = SharedArray.Create<int>(NameOf("other"), 1);
        SharedArray<int> array = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock held = array.ReaderWriterLock;

        // The thread's first note is the other lock's, or this one's.
        (isFirst ? held : other.ReaderWriterLock).EnterRead();
        (isFirst ? other.ReaderWriterLock : held).EnterRead();
        array.Dispose();
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings + 1));
        held.ExitRead();
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings));

        SharedArray<int> free = SharedArray.Attach<int>(Name);
        free.ReaderWriterLock.EnterReadScope().Dispose();
        free.ReaderWriterLock.EnterReadAsync().AsTask().Result.Dispose();
        free.Dispose();
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings), "nobody is inside");
        other.ReaderWriterLock.ExitRead();
    }

    [Test]
    public void Waiter_whose_array_is_disposed_gets_an_exception_and_leaves_the_lock_alone([Values] bool isWriter)
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        SharedArray<int> array = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock waited = array.ReaderWriterLock;
        holder.ReaderWriterLock.EnterWrite();
        Task waiting = Task.Run(() => (isWriter ? (Action)(() => waited.EnterWrite()) : () => waited.EnterRead())());
        Assert.That(() => PageWords.Read(ShmPath, PageWords.Writer), Is.Negative.After(60_000, 5), "the lock has no waiter");
        array.Dispose();
        Assert.That(
            () => waiting.Wait(s_limit), Throws.InstanceOf<AggregateException>().With.InnerException.InstanceOf<ObjectDisposedException>());
        holder.ReaderWriterLock.ExitWrite();
        Assert.That(holder.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
    }

    [Test]
    public void Entries_while_another_thread_disposes_the_array_touch_no_unmapped_memory()
    {
        ChildProcess.Run(Race, Name);

        static int Race(string[] args)
        {
            SharedArray.Create<long>(args[0], 1).Dispose();
            string other = args[0] + "-other";
            SharedArray.Create<long>(other, 1).Dispose();
            for (int round = 0; round < 300; round++)
            {
                SharedArray<long> array = SharedArray.Attach<long>(args[0]);
                SharedReaderWriterLock entered = array.ReaderWriterLock;
                using Barrier start = new(4);
                Task[] callers =
                [
                    .. Enumerable.Range(0, 3).Select(id => Task.Factory.StartNew(
                        () =>
                        {
                            start.SignalAndWait();
                            EnterUntilDisposed(entered, isWriter: id == 0);
                        },
                        CancellationToken.None,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default)),
                ];
                start.SignalAndWait();
                Thread.SpinWait(round * 37 % 3000);
                array.Dispose();

                // The second array replaces the first mapping, so that a late store would change its page.
                using SharedArray<long> next = SharedArray.Attach<long>(other);
                next.ReaderWriterLock.EnterReadScope().Dispose();
                Assert.That(Task.WaitAll(callers, s_limit), Is.True);
                Assert.That(next.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
                Assert.That(PageWords.Readers(ShmPathOf(other)), Is.Empty);
            }

            Assert.That(PageWords.Readers(ShmPathOf(args[0])), Is.Empty);
            return OwnProcess.CountMappings(args[0]);
        }

        static void EnterUntilDisposed(SharedReaderWriterLock entered, bool isWriter)
        {
            try
            {
                for (int i = 0; i < 1_000_000; i++)
                {
                    if (isWriter && i % 8 == 0)
                    {
                        entered.EnterWriteScope().Dispose();
                    }
                    else
                    {
                        entered.EnterReadScope().Dispose();
                    }
                }
            }
            catch (ObjectDisposedException)
            {
            }
        }
    }

    [Test]
    public void Reader_that_ends_inside_is_counted_out_by_its_process()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        OtherThread.Run(() =>
        {
            array.ReaderWriterLock.EnterRead();
            array.ReaderWriterLock.EnterRead();
        });
        Assert.That(other.ReaderWriterLock.TryEnterWrite(s_limit), Is.True);
        other.ReaderWriterLock.ExitWrite();
        Assert.That(PageWords.Readers(ShmPath), Is.Empty);
    }

    [Test]
    public void Writer_that_ends_inside_leaves_the_lock_abandoned([Values] bool isRecovery)
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        OtherThread.Run(() =>
        {
            if (isRecovery)
            {
                array.ReaderWriterLock.EnterRecovery().MarkConsistent();
            }
            else
            {
                array.ReaderWriterLock.EnterWrite();
                array.ReaderWriterLock.EnterRead();
            }
        });
        foreach (SharedReaderWriterLock waited in new[] { other.ReaderWriterLock, array.ReaderWriterLock })
        {
            Assert.That(() => waited.TryEnterRead(s_limit), Throws.InstanceOf<AbandonedMutexException>());
            Assert.That(() => waited.TryEnterWrite(s_limit), Throws.InstanceOf<AbandonedMutexException>());
            Assert.That(waited.State, Is.EqualTo(SharedReaderWriterLockState.Abandoned));
        }

        using (SharedReaderWriterLock.RecoveryScope recovery = array.ReaderWriterLock.EnterRecovery())
        {
            Assert.That(recovery.WasAbandoned, Is.True);
            recovery.MarkConsistent();
        }

        array.ReaderWriterLock.EnterReadScope().Dispose();
        Assert.That(array.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
    }

    [Test]
    public void End_of_a_thread_inside_lets_the_memory_of_a_disposed_array_go([Values] bool isWriter)
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        ChildProcess.Run(DisposeAndEnd, Name, $"{isWriter}");
        using SharedArray<int> array = SharedArray.Attach<int>(Name);
        Assert.That(
            array.ReaderWriterLock.State,
            Is.EqualTo(isWriter ? SharedReaderWriterLockState.Abandoned : SharedReaderWriterLockState.Free));

        static int DisposeAndEnd(string[] args)
        {
            SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            SharedReaderWriterLock held = array.ReaderWriterLock;
            OtherThread.Run(() =>
            {
                (bool.Parse(args[1]) ? (Action)(() => held.EnterWrite()) : () => held.EnterRead())();
                array.Dispose();
            });
            return SpinWait.SpinUntil(() => OwnProcess.CountMappings(args[0]) == 0, s_limit) ? 0 : 1;
        }
    }

    [Test]
    public void Threads_that_have_ended_leave_no_notes()
    {
        ChildProcess.Run(EndMany, Name);

        static int EndMany(string[] args)
        {
            using SharedArray<int> array = SharedArray.Create<int>(args[0], 1);
            for (int i = 0; i < 50; i++)
            {
                OtherThread.Run(() => array.ReaderWriterLock.EnterReadScope().Dispose());
            }

            System.Reflection.FieldInfo firsts = typeof(SharedArray).Assembly.GetType("PosixShm.Synchronization.ThreadNote")!
                .GetField("s_firsts", System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)!;
            object registry = firsts.GetValue(null)!;
            System.Reflection.MethodInfo all = registry.GetType().GetMethod("All")!;
            return SpinWait.SpinUntil(() => ((Array)all.Invoke(registry, [])!).Length == 0, s_limit) ? 0 : 1;
        }
    }
}
