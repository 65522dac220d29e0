namespace PosixShm.Tests;

/// <summary>Snapshots of one process: what is read, what is refused, and what is abandoned.</summary>
internal sealed class SnapshotTests : NamedTest
{
    // Beyond the limits of a copy without the guard, and of one by several threads.
    private static readonly int[] s_lengths = [1, 8, 512, 10_000, 3_000_000];

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [TestCaseSource(nameof(s_lengths))]
    public void Every_kind_of_attachment_reads_all_elements_of_the_last_publication(int length)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, length);
        using SharedArray<long> other = SharedArray.Attach<long>(Name);
        using ReadOnlySharedArray<long> readOnly = SharedArray.AttachReadOnly<long>(Name);
        using SharedArray<long> copy = SharedArray.AttachCopyOnWrite<long>(Name);
        using ReadOnlySharedArray<long> view = array.AsReadOnly();
        for (ulong number = 1; number <= 3; number++)
        {
            long[] expected = [.. Enumerable.Range(0, length).Select(i => (long)number * (i + 1))];
            Assert.That(array.Publish(expected), Is.EqualTo(number));
            foreach (TypedSharedArray<long> reader in new TypedSharedArray<long>[] { array, other, readOnly, copy, view })
            {
                long[] read = new long[length];
                Assert.That((reader.TryReadSnapshot(read, out ulong sequence), sequence), Is.EqualTo((true, number)));
                Assert.That(read.AsSpan().SequenceEqual(expected), Is.True);
                Assert.That(reader.ReadSnapshot(read), Is.EqualTo(number));
            }
        }
    }

    [Test]
    public void Array_without_a_publication_is_read_as_it_is_and_gets_no_page()
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.From([1, 2, 3]));
        using ReadOnlySharedArray<int> readOnly = SharedArray.AttachReadOnly<int>(Name);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        long size = new FileInfo(ShmPath).Length;
        int[] read = new int[3];
        foreach (TypedSharedArray<int> reader in new TypedSharedArray<int>[] { array, readOnly, copy })
        {
            Array.Clear(read);
            Assert.That(reader.ReadSnapshot(read), Is.Zero);
            Assert.That(read, Is.EqualTo(new[] { 1, 2, 3 }));
        }

        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(size));
        _ = array.Publish([4, 5, 6]);
        Assert.That((readOnly.ReadSnapshot(read), read[2]), Is.EqualTo((1UL, 6)), "the page was made after the attachment");
        Assert.That((copy.ReadSnapshot(read), read[2]), Is.EqualTo((1UL, 6)));
    }

    [Test]
    public void Private_copy_reads_the_shared_elements_and_not_those_that_it_changed()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 10_000);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        copy.Fill(7);
        _ = array.Publish(3, static (span, value) => span.Fill(value));
        int[] read = new int[10_000];
        Assert.That(copy.ReadSnapshot(read), Is.EqualTo(1));
        Assert.That(read, Is.All.EqualTo(3));
        Assert.That(copy[0], Is.EqualTo(7));
        Assert.That(() => copy.Publish(read), Throws.InvalidOperationException.With.Message.Contains("private copy"));
        Assert.That(() => copy.UpdateSnapshot(0, static (_, _) => { }), Throws.InvalidOperationException);
    }

    [Test]
    public void Private_copy_maps_the_elements_a_second_time_only_for_a_snapshot_and_unmaps_them()
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        ChildProcess.Run(Map, Name);

        static int Map(string[] args)
        {
            SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(args[0]);
            _ = copy.ChangeCounter.Count;
            Assert.That(OwnProcess.CountMappings(args[0]), Is.EqualTo(2));
            _ = copy.ReadSnapshot(new int[1]);
            _ = copy.ReadSnapshot(new int[1]);
            Assert.That(OwnProcess.CountMappings(args[0]), Is.EqualTo(3));
            copy.Dispose();
            return OwnProcess.CountMappings(args[0]);
        }
    }

    [Test]
    public void Callbacks_fill_or_change_the_elements_in_place()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 4);
        ReadOnlySpan<int> state = [1, 2, 3, 4];
        Assert.That(array.Publish(state, static (span, elements) => elements.CopyTo(span)), Is.EqualTo(1));
        Assert.That(array.UpdateSnapshot(10, static (span, value) => span[2] = value), Is.EqualTo(2));
        int[] read = new int[4];
        Assert.That(array.ReadSnapshot(read), Is.EqualTo(2));
        Assert.That(read, Is.EqualTo(new[] { 1, 2, 10, 4 }));
    }

    [Test]
    public void Array_in_Fortran_order_is_published_and_read_in_C_order()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.asfortranarray(np.arange(600.).reshape(20, 30)))", ShmPath);
        using SharedArray<double> array = SharedArray.Attach<double>(Name);
        using SharedArray<double> copy = SharedArray.AttachCopyOnWrite<double>(Name);
        double[] elements = [.. Enumerable.Range(0, 600).Select(static i => -(double)i)];
        Assert.That(array.Publish(elements), Is.EqualTo(1));
        Assert.That(array[1, 2], Is.EqualTo(-32));
        foreach (SharedArray<double> reader in new[] { array, copy })
        {
            double[] read = new double[600];
            Assert.That(reader.ReadSnapshot(read), Is.EqualTo(1));
            Assert.That(read, Is.EqualTo(elements));
        }

        Assert.That(() => array.Publish(0, static (_, _) => { }), Throws.InvalidOperationException.With.Message.Contains("Fortran"));
    }

    [Test]
    public void Publication_signals_one_change()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        Task<uint> waiting = Task.Run(() => array.ChangeCounter.Wait(0));
        _ = array.Publish([1]);
        Assert.That(waiting.Wait(s_limit), Is.True);
        Assert.That((waiting.Result, array.ChangeCounter.Count), Is.EqualTo((1u, 1u)));
        _ = array.UpdateSnapshot(0, static (_, _) => { });
        Assert.That(array.ChangeCounter.Count, Is.EqualTo(2));
    }

    [Test]
    public void Second_writer_is_refused_also_of_the_same_attachment_and_inside_the_callback()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        using SharedArray<int> same = array.As<int>();
        _ = array.Publish((array, other, same), static (span, arrays) =>
        {
            span[0] = 5;
            foreach (SharedArray<int> second in new[] { arrays.array, arrays.other, arrays.same })
            {
                AssertRefused(second);
                OtherThread.Run(() => AssertRefused(second));
            }
        });
        Assert.That(array.ReadSnapshot(new int[1]), Is.EqualTo(1));
        Assert.That(other.Publish([6]), Is.EqualTo(2));

        static void AssertRefused(SharedArray<int> second)
        {
            Assert.That(() => second.Publish([1]), Throws.InvalidOperationException.With.Message.Contains("one writer at a time"));
            Assert.That(() => second.Publish(0, static (_, _) => { }), Throws.InvalidOperationException);
            Assert.That(() => second.UpdateSnapshot(0, static (_, _) => { }), Throws.InvalidOperationException);
        }
    }

    [Test]
    public void Writer_that_was_alive_a_moment_ago_does_not_refuse_the_next_one_after_its_death()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);

        // Many rounds are within one tick of the clock, so the owner was alive in the same tick.
        for (int i = 0; i < 100; i++)
        {
            using (SharedArray<int> writer = SharedArray.Attach<int>(Name))
            {
                ulong odd = 0;
                _ = writer.Publish(ShmPath, (_, path) => odd = ReadWord(path));
                WriteWord(ShmPath, odd);
                Assert.That(array.TryReadSnapshot(new int[1], out _), Is.False, "alive");
            }

            Assert.That(() => array.Publish([i]), Throws.Nothing);
        }
    }

    [Test]
    public void Callback_that_reads_the_snapshot_of_its_own_array_is_told_so_and_does_not_wait_for_itself()
    {
        using CancellationTokenSource limit = new(s_limit);
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> same = array.As<int>();
        using ReadOnlySharedArray<int> view = array.AsReadOnly();
        TypedSharedArray<int>[] readers = [array, same, view];
        int[] copy = new int[1];
        _ = array.Publish(readers, (elements, all) =>
        {
            foreach (TypedSharedArray<int> reader in all)
            {
                Assert.That(
                    () => reader.ReadSnapshot(copy, limit.Token), Throws.InvalidOperationException.With.Message.Contains(reader.Name));
                Assert.That(() => reader.TryReadSnapshot(copy, out ulong _), Throws.InvalidOperationException);
            }

            elements[0] = 1;
            OtherThread.Run(() => Assert.That(array.TryReadSnapshot(copy, out _), Is.False, "another thread may wait"));
        });
        Assert.That(() => array.Publish(0, static (_, _) => throw new FormatException()), Throws.InstanceOf<FormatException>());
        Assert.That(() => array.ReadSnapshot(copy), Throws.InstanceOf<AbandonedMutexException>(), "the publication has ended");
        Assert.That(array.Publish([2]), Is.EqualTo(array.ReadSnapshot(copy)));
    }

    [Test]
    public void Reader_is_told_that_a_writer_is_storing_or_waits_for_its_end()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(Name);
        using ManualResetEventSlim isInside = new();
        using ManualResetEventSlim mayEnd = new();
        Task<ulong> writer = Task.Run(() => array.Publish(0, (span, _) =>
        {
            isInside.Set();
            Assert.That(mayEnd.Wait(s_limit), Is.True);
            span[0] = 9;
        }));
        Assert.That(isInside.Wait(s_limit), Is.True);
        int[] read = new int[1];
        foreach (TypedSharedArray<int> one in new TypedSharedArray<int>[] { array, reader })
        {
            Assert.That((one.TryReadSnapshot(read, out ulong sequence), sequence), Is.EqualTo((false, 0UL)));
            Assert.That(one.TryReadSnapshot(read, TimeSpan.FromMilliseconds(60), out _), Is.False);
        }

        using CancellationTokenSource cancellation = new();
        Task<ulong> cancelled = Task.Run(() => reader.ReadSnapshot(new int[1], cancellation.Token));
        cancellation.Cancel();
        Assert.That(() => cancelled.Wait(s_limit), Throws.InnerException.InstanceOf<OperationCanceledException>());

        SharedArray<int> disposed = SharedArray.Attach<int>(Name);
        Task<ulong> detached = Task.Run(() => disposed.ReadSnapshot(new int[1]));
        disposed.Dispose();
        Assert.That(() => detached.Wait(s_limit), Throws.InnerException.InstanceOf<ObjectDisposedException>());

        Task<ulong> waiting = Task.Run(() => reader.ReadSnapshot(read));
        mayEnd.Set();
        Assert.That(writer.Wait(s_limit) && waiting.Wait(s_limit), Is.True);
        Assert.That((writer.Result, waiting.Result, read[0]), Is.EqualTo((1UL, 1UL, 9)));
    }

    [Test]
    public void Callback_that_throws_abandons_the_publication_until_the_next_one_that_replaces_all_elements()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 2);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        _ = array.Publish([1, 1]);
        Assert.That(
            () => array.UpdateSnapshot(0, static (span, _) => throw new TimeoutException($"{span[0] = 2}")),
            Throws.InstanceOf<TimeoutException>());
        Assert.That(array.ChangeCounter.Count, Is.EqualTo(1));
        foreach (SharedArray<int> one in new[] { array, other })
        {
            Assert.That(
                () => one.TryReadSnapshot(new int[2], out _),
                Throws.InstanceOf<AbandonedMutexException>().With.Message.Contains(Name).And.Message.Contains("Publish"));
            Assert.That(() => one.ReadSnapshot(new int[2]), Throws.InstanceOf<AbandonedMutexException>());
            Assert.That(
                () => one.UpdateSnapshot(0, static (_, _) => Assert.Fail("called")), Throws.InstanceOf<AbandonedMutexException>());
        }

        Assert.That(other.Publish([3, 3]), Is.EqualTo(3), "the incomplete publication has a number of its own");
        int[] read = new int[2];
        Assert.That((array.ReadSnapshot(read), read[0], read[1]), Is.EqualTo((3UL, 3, 3)));
        Assert.That(array.UpdateSnapshot(0, static (_, _) => { }), Is.EqualTo(4));
    }

    [Test]
    public void Arguments_are_checked_before_anything_is_stored()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 3);
        Assert.That(() => array.Publish([1, 2]), Throws.ArgumentException.With.Message.Contains("3 elements"));
        Assert.That(() => array.Publish([1, 2, 3, 4]), Throws.ArgumentException);
        Assert.That(() => array.TryReadSnapshot(new int[4], out _), Throws.ArgumentException);
        Assert.That(() => array.ReadSnapshot(new int[2]), Throws.ArgumentException);
        Assert.That(
            () => array.TryReadSnapshot(new int[3], TimeSpan.FromDays(-1), out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => array.Publish(0, null!), Throws.ArgumentNullException);
        Assert.That(() => array.UpdateSnapshot(0, null!), Throws.ArgumentNullException);
        Assert.That((array.ReadSnapshot(new int[3]), array[0], new FileInfo(ShmPath).Length), Is.EqualTo((0UL, 0, 140L)));

        using SharedArray<int> none = SharedArray.Create(
            NameOf("none"), ArrayContent.Zeros<int>(1), new SharedArrayOptions { Locks = 0 });
        Assert.That(() => none.Publish([1]), Throws.InvalidOperationException);
        Assert.That(() => none.TryReadSnapshot(new int[1], out _), Throws.InvalidOperationException);

        array.Dispose();
        Assert.That(() => array.Publish([1, 2, 3]), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => array.Publish(0, static (_, _) => { }), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => array.ReadSnapshot(new int[3]), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => array.ReadSnapshot(new int[2]), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void Array_larger_than_a_span_has_no_snapshots()
    {
        using SharedArray<byte> array = SharedArray.Create(
            Name, ArrayContent.Zeros<byte>(1L << 31), new SharedArrayOptions { Preallocate = false });
        Assert.That(() => array.Publish(0, static (_, _) => { }), Throws.InvalidOperationException.With.Message.Contains($"{1L << 31}"));
        Assert.That(() => array.Publish([]), Throws.ArgumentException);
        Assert.That(() => array.TryReadSnapshot([], out _), Throws.ArgumentException);
    }

    [Test]
    public void Word_that_another_program_overwrote_is_reported_and_not_repaired_over_it()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        _ = array.Publish([1]);
        Assert.That(
            () => array.Publish(ShmPath, static (_, path) => WriteWord(path, 99UL << 30)),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("overwritten"));
        Assert.That(ReadWord(ShmPath), Is.EqualTo(99UL << 30));
    }

    [TestCase(0x0000_0000u, TestName = "Odd_snapshot_word_without_an_owner_is_abandoned")]
    [TestCase(0x0000_0001u, TestName = "Odd_snapshot_word_of_a_free_slot_is_abandoned")]
    [TestCase(0x0000_01FFu, TestName = "Odd_snapshot_word_of_a_slot_beyond_the_last_is_abandoned")]
    [TestCase(0x3FFF_FFFFu, TestName = "Odd_snapshot_word_of_all_ones_is_abandoned")]
    public void Garbage(uint owner)
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        _ = array.Publish([1]);
        WriteWord(ShmPath, ulong.MaxValue << 30 | owner);
        Assert.That(() => array.ReadSnapshot(new int[1]), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(array.Publish([2]), Is.EqualTo(1), "the number of an incomplete publication is skipped, also where it wraps");
        Assert.That(array.ReadSnapshot(new int[1]), Is.EqualTo(1));
        WriteWord(ShmPath, ulong.MaxValue << 31 | owner);
        Assert.That(array.ReadSnapshot(new int[1]), Is.EqualTo(ulong.MaxValue >> 31));
        Assert.That(array.Publish([3]), Is.Zero, "the number wraps");
    }

    [TestCase(4)]
    [TestCase(100_000)]
    public void Lost_memory_is_reported_by_readers_and_writers(int length)
    {
        foreach (string kind in new[] { "shared", "read-only", "private" })
        {
            foreach (string isUsed in new[] { "used", "fresh" })
            {
                SharedArray.Create<long>(Name, length).Dispose();
                ChildProcess.Run(Lose, Name, kind, isUsed);
                SharedArray.Delete(Name);
            }
        }

        static int Lose(string[] args)
        {
            using SharedArray<long> writer = SharedArray.Attach<long>(args[0]);
            using TypedSharedArray<long> reader = args[1] switch
            {
                "read-only" => SharedArray.AttachReadOnly<long>(args[0]),
                "private" => SharedArray.AttachCopyOnWrite<long>(args[0]),
                _ => writer.As<long>(),
            };
            long[] elements = new long[writer.Length];
            if (args[2] == "used")
            {
                _ = writer.Publish(elements);
                _ = reader.ReadSnapshot(elements);
            }

            Truncate(args[0], 136);
            for (int i = 0; i < 2; i++)
            {
                Assert.That(
                    () => reader.TryReadSnapshot(elements, out _),
                    Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains(args[0]));
                Assert.That(() => writer.Publish(elements), Throws.InstanceOf<SharedMemoryLostException>());
                Assert.That(() => writer.Publish(0, static (_, _) => { }), Throws.InstanceOf<SharedMemoryLostException>());
            }

            return 0;
        }
    }

    [Test]
    public void Elements_lost_during_a_publication_are_reported_and_nothing_is_stored_in_their_place()
    {
        SharedArray.Create<long>(Name, 10_000).Dispose();
        ChildProcess.Run(Lose, Name);

        static int Lose(string[] args)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            Assert.That(
                () => array.Publish(args[0], static (span, name) =>
                {
                    Truncate(name, 4096);
                    span.Fill(1);
                }),
                Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(new FileInfo(ShmPathOf(args[0])).Length, Is.EqualTo(4096));
            return 0;
        }
    }

    [Test]
    public void Disposal_during_a_publication_lets_it_end_and_then_unmaps()
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        ChildProcess.Run(Dispose, Name);

        static int Dispose(string[] args)
        {
            using SharedArray<int> other = SharedArray.Attach<int>(args[0]);
            SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            _ = array.Publish(array, static (span, disposed) =>
            {
                disposed.Dispose();
                span[0] = 3;
            });
            int[] read = new int[1];
            Assert.That((other.ReadSnapshot(read), read[0], other.ChangeCounter.Count), Is.EqualTo((1UL, 3, 1u)));
            Assert.That(OwnProcess.CountMappings(args[0]), Is.EqualTo(1));
            return 0;
        }
    }

    [Test]
    public void Disposal_during_small_reads_of_other_threads_unmaps_nothing_under_them()
    {
        SharedArray.Create<long>(Name, 8192).Dispose();
        ChildProcess.Run(Dispose, Name);

        static int Dispose(string[] args)
        {
            using ManualResetEventSlim isOver = new();
            SharedArray<long> current = SharedArray.Attach<long>(args[0]);
            int reads = 0;
            Task[] readers = [.. Enumerable.Range(0, 2).Select(reader => Task.Run(() =>
            {
                long[] read = new long[8192];
                while (!isOver.IsSet)
                {
                    SharedArray<long> array = Volatile.Read(ref current);
                    try
                    {
                        while (!isOver.IsSet)
                        {
                            _ = array.ReadSnapshot(read);
                            _ = Interlocked.Increment(ref reads);
                        }
                    }
                    catch (ObjectDisposedException)
                    {
                    }
                }
            }))];
            for (int i = 0; i < 300; i++)
            {
                SharedArray<long> old = current;
                SharedArray<long> next = SharedArray.Attach<long>(args[0]);
                _ = next.Publish(new long[8192]);
                Volatile.Write(ref current, next);

                // Several reads of each thread, so that the next disposal meets passages.
                int seen = Volatile.Read(ref reads);
                old.Dispose();
                Assert.That(SpinWait.SpinUntil(() => Volatile.Read(ref reads) - seen > 20, s_limit), Is.True);
            }

            isOver.Set();
            Assert.That(Task.WaitAll(readers, s_limit), Is.True);
            current.Dispose();
            return OwnProcess.CountMappings(args[0]);
        }
    }

    [Test]
    public void Allocations_are_none_for_a_writer_and_a_reader()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1000);
        int[] elements = new int[1000];
        Run(10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(1000);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        void Run(int count)
        {
            for (int i = 0; i < count; i++)
            {
                _ = array.Publish(elements);
                _ = array.Publish(elements, static (span, from) => from.CopyTo(span));
                _ = array.ReadSnapshot(elements);
            }
        }
    }

    // The control page is the end of the file.
    private static long WordOffset(FileStream file) => file.Length - 4096 + 192;

    private static void WriteWord(string path, ulong word)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        file.Position = WordOffset(file);
        file.Write(BitConverter.GetBytes(word));
    }

    private static ulong ReadWord(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        file.Position = WordOffset(file);
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        file.ReadExactly(word);
        return BitConverter.ToUInt64(word);
    }
}
