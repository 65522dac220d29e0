using PosixShm.Elements;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Waiting for a frame, and all events that end a wait, a reader or a writer.</summary>
internal sealed class FrameWaitTests : NamedTest
{
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);

    [TestCase(false, FrameWakeUp.IfMarked)]
    [TestCase(false, FrameWakeUp.Always)]
    [TestCase(true, FrameWakeUp.IfMarked)]
    [TestCase(true, FrameWakeUp.Always)]
    public void Every_frame_reaches_a_reader_that_sleeps_between_them(bool isReadOnly, FrameWakeUp wakeUp)
    {
        const int Frames = 2000;
        using SharedFrames<long> stream = SharedFrames.Create<long>(Name, 4, 8);
        using SharedFrames<long> answers = SharedFrames.Create<long>(NameOf("answers"), 4, 1);
        using ChildProcess child = ChildProcess.Start(Echo, Name, $"{isReadOnly}");
        child.Expect("READY");
        using FrameWriter<long> writer = stream.OpenWriter(wakeUp);
        FrameReader<long> reader = answers.OpenReader();
        long[] frame = new long[8];
        for (long i = 1; i <= Frames; i++)
        {
            Array.Fill(frame, i);
            _ = writer.Publish(frame);
            Assert.That(reader.ReadNext(frame, s_longEnough, out FrameInfo info), Is.EqualTo(FrameStatus.Frame));
            Assert.That((info, frame[0]), Is.EqualTo((new FrameInfo(i, 0), i)));
        }

        child.WaitForSuccess();

        static int Echo(string[] args)
        {
            using SharedFrames<long> stream = bool.Parse(args[1])
                ? SharedFrames.AttachReadOnly<long>(args[0]) : SharedFrames.Attach<long>(args[0]);
            using SharedFrames<long> answers = SharedFrames.Attach<long>($"{args[0]}-answers");
            using FrameWriter<long> writer = answers.OpenWriter();
            FrameReader<long> reader = stream.OpenReader();
            Console.WriteLine("READY");
            long[] frame = new long[8];
            for (long i = 1; i <= Frames; i++)
            {
                if (reader.ReadNext(frame, s_longEnough, out FrameInfo info) != FrameStatus.Frame || info != new FrameInfo(i, 0)
                    || frame.AsSpan().ContainsAnyExcept(i))
                {
                    return (int)i;
                }

                _ = writer.Publish([i]);
            }

            return 0;
        }
    }

    // The two moments at which a commit could be missed, which no storm meets often enough.
    [Test]
    public unsafe void Frame_committed_between_a_probe_and_its_sleep_ends_the_wait()
    {
        using SharedFrames<int> frames = SharedFrames.Create<int>(Name, 3, 1);
        using FrameWriter<int> writer = frames.OpenWriter();
        using FrameStream stream = FrameStream.Of(
            SharedArray.Attach(Name, ElementTypes.Of<int>(), SegmentAccess.ReadWrite, options: null));
        FrameArrival early = new(stream, 1);
        Assert.That(early.Probe(out int seen), Is.EqualTo(WaitStep.Wait));
        _ = writer.Publish([1]);
        Assert.That(early.PrepareSleep(seen, out _), Is.EqualTo(WaitStep.Retry), "after the probe");

        FrameArrival late = new(stream, 2);
        Assert.That(late.Probe(out seen), Is.EqualTo(WaitStep.Wait));
        Assert.That(late.PrepareSleep(seen, out WaitPlace place), Is.EqualTo(WaitStep.Wait));
        Assert.That(*place.Word, Is.EqualTo(place.Expected));
        _ = writer.Publish([2]);
        Assert.That(*place.Word, Is.Not.EqualTo(place.Expected), "after the mark");

        // The mark of another reader does not restore the value.
        FrameArrival other = new(stream, 3);
        Assert.That(other.Probe(out seen), Is.EqualTo(WaitStep.Wait));
        Assert.That(other.PrepareSleep(seen, out _), Is.EqualTo(WaitStep.Wait));
        Assert.That(*place.Word, Is.Not.EqualTo(place.Expected), "after the mark of another reader");
    }

    [Test]
    public void Wait_ends_with_its_time_its_token_an_interrupt_or_its_stream()
    {
        SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 1);
        FrameReader<int> reader = stream.OpenReader();
        int[] copy = new int[1];
        Assert.That(reader.ReadNext(copy, TimeSpan.FromMilliseconds(70), out _), Is.EqualTo(FrameStatus.TimedOut));
        using CancellationTokenSource source = new(50);
        Assert.That(
            () => reader.ReadNext(copy, Timeout.InfiniteTimeSpan, source.Token, out _), Throws.InstanceOf<OperationCanceledException>());
        Exception? error = null;
        Thread waiting = new(() => error = Assert.Catch(() => reader.ReadNext(copy, Timeout.InfiniteTimeSpan, out _)));
        waiting.Start();
        waiting.Interrupt();
        Assert.That((waiting.Join(s_longEnough), error), Is.EqualTo((true, error as ThreadInterruptedException)));

        Task<Exception?> last = Task.Run(() => Assert.Catch(() => reader.ReadNext(copy, Timeout.InfiniteTimeSpan, out _)));
        Assert.That(() => FrameCounters.Read(ShmPath).Sleepers & 1, Is.EqualTo(1u).After(60_000, 5), "asleep");
        FrameWriter<int> writer = stream.OpenWriter();
        stream.Dispose();
        stream.Dispose();
        Assert.That((last.Wait(s_longEnough), last.Result), Is.EqualTo((true, last.Result as ObjectDisposedException)));
        Assert.That(() => reader.TryReadNewest(copy, out _), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => reader.TryUseNewest(0, static (_, _) => 0, out _), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => stream.NewestNumber, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => stream.HasWriter, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => stream.IsCurrent, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => stream.OpenReader(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => stream.OpenWriter(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => writer.Publish([1]), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(FrameCounters.Read(ShmPath).Owner, Is.Zero, "the disposal ended the writer");
        Assert.That(File.ReadAllText("/proc/self/maps"), Does.Not.Contain(Name));
    }

    [Test]
    public void Open_slot_keeps_the_memory_and_the_stream_until_it_ends()
    {
        SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 1);
        using SharedFrames<int> other = SharedFrames.Attach<int>(Name);
        FrameWriter<int> writer = stream.OpenWriter();
        FrameSlot<int> slot = writer.Reserve();
        writer.Dispose();
        stream.Dispose();
        Assert.That(() => other.OpenWriter(), Throws.InstanceOf<IOException>(), "the slot is open");
        slot.Span[0] = 42;
        slot.Commit();
        int[] copy = new int[1];
        Assert.That((other.OpenReader().TryReadNewest(copy, out long number), number, copy[0]), Is.EqualTo((true, 1L, 42)));
        Assert.That(() => writer.Reserve().Number, Throws.InstanceOf<ObjectDisposedException>());
        other.OpenWriter().Dispose();
        other.Dispose();
        Assert.That(File.ReadAllText("/proc/self/maps"), Does.Not.Contain(Name));
    }

    [TestCase("delete")]
    [TestCase("replace")]
    [TestCase("resize")]
    [TestCase("rename over it")]
    public void Reader_of_a_deleted_array_gets_the_remaining_frames_first(string how)
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 4, 2);
        using FrameWriter<int> writer = stream.OpenWriter();
        FrameReader<int> reader = stream.OpenReader();
        FrameReader<int> drained = stream.OpenReader();
        using SharedFrames<int> readOnly = SharedFrames.AttachReadOnly<int>(Name);
        FrameReader<int> alsoDrained = readOnly.OpenReader();
        int[] copy = new int[2];
        Assert.That(drained.ReadNext(copy, TimeSpan.Zero, out _), Is.EqualTo(FrameStatus.TimedOut));
        Task<FrameStatus> waiting = Task.Run(() => drained.ReadNext(new int[2], s_longEnough, out _));
        Task<FrameStatus> napping = Task.Run(() => alsoDrained.ReadNext(new int[2], s_longEnough, out _));
        Assert.That(() => FrameCounters.Read(ShmPath).Sleepers & 1, Is.EqualTo(1u).After(60_000, 5), "asleep");
        string path = $"{ShmPath}";
        switch (how)
        {
            case "delete":
                SharedArray.Delete(Name);
                break;
            case "replace":
                SharedArray.Replace<int>(Name, 5, 5).Dispose();
                break;
            case "resize":
                SharedArray.Resize<int>(Name, 8, 2).Dispose();
                break;
            default:
                SharedArray.Create<int>(NameOf("new"), 4, 2).Dispose();
                File.Move(ShmPathOf(NameOf("new")), path, overwrite: true);
                break;
        }

        Assert.That((waiting.Wait(s_longEnough), waiting.Result), Is.EqualTo((true, FrameStatus.Gone)));
        Assert.That((napping.Wait(s_longEnough), napping.Result), Is.EqualTo((true, FrameStatus.Gone)));
        Assert.That((stream.IsCurrent, drained.ReadNext(copy, TimeSpan.Zero, out _)), Is.EqualTo((false, FrameStatus.Gone)), "a poll");

        // A writer may not have noticed it yet. Its frames are read first.
        _ = writer.Publish([1, 2]);
        Assert.That((reader.ReadNext(copy, TimeSpan.Zero, out FrameInfo info), info.Number), Is.EqualTo((FrameStatus.Frame, 1L)));
        Assert.That(reader.ReadNext(copy, s_longEnough, out _), Is.EqualTo(FrameStatus.Gone));
    }

    [Test]
    public void Array_without_a_name_is_a_stream_that_is_never_gone()
    {
        using SharedArray<int> array = SharedArray.CreateAnonymous<int>(4, 1);
        using SharedFrames<int> stream = SharedFrames.Attach<int>(array.Name);
        using FrameWriter<int> writer = stream.OpenWriter();
        FrameReader<int> reader = stream.OpenReader();
        int[] copy = new int[1];
        Assert.That(reader.ReadNext(copy, TimeSpan.FromMilliseconds(60), out _), Is.EqualTo(FrameStatus.TimedOut));
        _ = writer.Publish([3]);
        Assert.That((reader.ReadNext(copy, TimeSpan.Zero, out _), copy[0]), Is.EqualTo((FrameStatus.Frame, 3)));
    }

    [Test]
    public void Lost_memory_is_an_exception_of_every_member()
    {
        using SharedFrames<long> stream = SharedFrames.Create<long>(Name, 4, 2000);
        using SharedFrames<long> readOnly = SharedFrames.AttachReadOnly<long>(Name);
        FrameReader<long> reader = stream.OpenReader();
        FrameReader<long> other = readOnly.OpenReader();
        using FrameWriter<long> writer = stream.OpenWriter();
        long[] frame = new long[2000];
        _ = writer.Publish(frame);
        FrameSlot<long> slot = writer.Reserve();
        Truncate(Name, 4096);
        Assert.That(() => reader.TryReadNewest(frame, out _), Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains(Name));
        Assert.That(() => reader.TryUseNewest(0, static (span, _) => span[1999], out _), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => reader.ReadNext(frame, s_longEnough, out _), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => other.TryReadNewest(frame, out _), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => other.ReadNext(frame, s_longEnough, out _), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => stream.NewestNumber, Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => stream.HasWriter, Throws.InstanceOf<SharedMemoryLostException>());
        bool isCommitted = true;
        try
        {
            slot.Span.Fill(1);
            slot.Commit();
        }
        catch (SharedMemoryLostException)
        {
            isCommitted = false;
        }

        slot.Dispose();
        Assert.That(isCommitted, Is.False);
        Assert.That(() => writer.Publish(frame), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => writer.Reserve().Number, Throws.InstanceOf<SharedMemoryLostException>());
        writer.Dispose();
        Assert.That(() => stream.OpenWriter(), Throws.InstanceOf<SharedMemoryLostException>());
    }

    [Test]
    public void File_that_is_saved_over_is_lost_and_not_written()
    {
        using SharedFrames<long> stream = SharedFrames.Create<long>(Name, 4, 2);
        using FrameWriter<long> writer = stream.OpenWriter();
        FrameReader<long> reader = stream.OpenReader();
        _ = writer.Publish([1, 2]);
        _ = Python.Run("f = open(sys.argv[1], 'wb'); np.save(f, np.full(2000, 7, np.int64))", ShmPath);
        Assert.That(() => writer.Publish([3, 4]), Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(() => reader.TryReadNewest(new long[2], out _), Throws.InstanceOf<SharedMemoryLostException>());
        using SharedArray<long> saved = SharedArray.Attach<long>(Name);
        Assert.That(saved.Span.IndexOfAnyExcept(7), Is.EqualTo(-1));
    }

    [Test]
    public void Overwritten_counters_are_an_exception_for_the_writer_and_no_frame_for_a_reader()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 1);
        new FrameCounters(5, 7, 0, 0).Write(ShmPath);
        Assert.That(() => stream.OpenWriter(), Throws.InstanceOf<InvalidDataException>().With.Message.Contains(Name));
        Assert.That(FrameCounters.Read(ShmPath).Owner, Is.Zero);

        // A reader does not end its process, and gets no frame.
        new FrameCounters(ulong.MaxValue, 0, 0, 0).Write(ShmPath);
        FrameReader<int> reader = stream.OpenReader();
        int[] copy = new int[1];
        new FrameCounters(ulong.MaxValue - 7, ulong.MaxValue / 2, 0, 0).Write(ShmPath);
        Assert.That(reader.TryReadNewest(copy, out long number), Is.False);
        Assert.That(reader.TryUseNewest(0, static (_, _) => 1, out _), Is.False);

        new FrameCounters(4, 5, 0, 0).Write(ShmPath);
        using FrameWriter<int> writer = stream.OpenWriter();
        FrameSlot<int> slot = writer.Reserve();
        Assert.That(slot.Number, Is.EqualTo(5));
        new FrameCounters(4, 5, 0x1234, 0).Write(ShmPath);
        bool isCommitted = true;
        try
        {
            slot.Commit();
        }
        catch (InvalidDataException)
        {
            isCommitted = false;
        }

        slot.Dispose();
        Assert.That((isCommitted, FrameCounters.Read(ShmPath).Head), Is.EqualTo((false, 4UL)));
    }

    [Test]
    public void Writer_whose_stream_has_another_owner_stores_nothing()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 1);
        using SharedArray<int> elements = SharedArray.Attach<int>(Name);
        FrameWriter<int> writer = stream.OpenWriter();
        _ = writer.Publish([1]);
        FrameCounters taken = new(9, 10, 0x1234, 0);
        taken.Write(ShmPath);
        for (int i = 0; i < 2; i++)
        {
            Assert.That(() => writer.Publish([7]), Throws.InstanceOf<InvalidDataException>().With.Message.Contains(Name));
            Assert.That(() => writer.Reserve().Number, Throws.InstanceOf<InvalidDataException>());
        }

        writer.Dispose();
        Assert.That(FrameCounters.Read(ShmPath), Is.EqualTo(taken), "reserved is not set back");
        Assert.That(elements.ToArray(), Is.EqualTo(new[] { 0, 1, 0 }));
    }

    [Test]
    public void Page_of_a_newer_version_that_forbids_stores_can_be_read()
    {
        using (SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 1))
        using (FrameWriter<int> writer = stream.OpenWriter())
        {
            _ = writer.Publish([7]);
        }

        using (FileStream file = File.OpenWrite(ShmPath))
        {
            file.Position = 4096 + 13;
            file.WriteByte(1);
        }

        using SharedFrames<int> newer = SharedFrames.Attach<int>(Name);
        Assert.That(() => newer.OpenWriter(), Throws.InvalidOperationException.With.Message.Contains("newer version"));
        FrameReader<int> reader = newer.OpenReader();
        int[] copy = new int[1];
        Assert.That((reader.ReadNext(copy, TimeSpan.Zero, out _), copy[0]), Is.EqualTo((FrameStatus.Frame, 7)));
        Assert.That(reader.ReadNext(copy, TimeSpan.FromMilliseconds(10), out _), Is.EqualTo(FrameStatus.TimedOut));
        Assert.That(FrameCounters.Read(ShmPath).Sleepers, Is.Zero, "nothing is stored");
    }

    [Test]
    public void Second_writer_is_refused_until_the_first_one_ends()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 1);
        using SharedFrames<int> other = SharedFrames.Attach<int>(Name);
        using SharedFrames<int> readOnly = SharedFrames.AttachReadOnly<int>(Name);
        Assert.That(stream.HasWriter, Is.False);
        FrameWriter<int> writer = stream.OpenWriter();
        Assert.That((stream.HasWriter, other.HasWriter, readOnly.HasWriter), Is.EqualTo((true, true, true)));
        Assert.That(() => stream.OpenWriter(), Throws.InstanceOf<IOException>().With.Message.Contains("has a writer"));
        Assert.That(() => other.OpenWriter(), Throws.InstanceOf<IOException>().With.Message.Contains(Name));
        Assert.That(() => readOnly.OpenWriter(), Throws.InvalidOperationException.With.Message.Contains("read only"));
        ChildProcess.Run(IsRefused, Name);
        _ = writer.Publish([1]);
        writer.Dispose();
        writer.Dispose();
        Assert.That((stream.HasWriter, readOnly.HasWriter), Is.EqualTo((false, false)));
        using FrameWriter<int> next = other.OpenWriter();
        Assert.That(next.Publish([2]), Is.EqualTo(2));
        writer.Dispose();
        Assert.That(other.HasWriter, Is.True, "the old writer does not end the new one");
        FrameWriter<int>? third = null;
        next.Dispose();
        third = other.OpenWriter();
        next.Dispose();
        Assert.That((other.HasWriter, third.Publish([3])), Is.EqualTo((true, 3L)));

        static int IsRefused(string[] args)
        {
            using SharedFrames<int> stream = SharedFrames.Attach<int>(args[0]);
            Assert.That(() => stream.OpenWriter(), Throws.InstanceOf<IOException>());
            Assert.That(stream.HasWriter, Is.True);
            return 0;
        }
    }
}
