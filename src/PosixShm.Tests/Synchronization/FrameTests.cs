using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>Streams of frames: numbers, slots, order, and frames that the writer overtakes.</summary>
internal sealed class FrameTests : NamedTest
{
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);

    [Test]
    public void Frames_have_numbers_and_lie_in_turn_in_the_slots_that_numpy_sees()
    {
        using SharedFrames<short> stream = SharedFrames.Create<short>(Name, 4, 2, 3);
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(8192), "the page is there before the name");
        Assert.That((stream.Name, stream.Slots, stream.FrameLength, stream.IsReadOnly), Is.EqualTo((Name, 4L, 6L, false)));
        Assert.That(stream.FrameShape, Is.EqualTo(new long[] { 2, 3 }));
        FrameReader<short> reader = stream.OpenReader();
        short[] copy = new short[6];
        Assert.That((reader.TryReadNewest(copy, out long number), number, stream.NewestNumber), Is.EqualTo((false, 0L, 0L)));

        using FrameWriter<short> writer = stream.OpenWriter();
        for (short i = 1; i <= 6; i++)
        {
            Assert.That(writer.Publish(Frame(i)), Is.EqualTo(i));
            Assert.That((reader.TryReadNewest(copy, out number), number), Is.EqualTo((true, (long)i)));
            Assert.That(copy, Is.EqualTo(Frame(i)));
        }

        Assert.That((stream.NewestNumber, writer.NewestNumber, reader.TotalMissed), Is.EqualTo((6L, 6L, 0L)));
        Assert.That(FrameCounters.Read(ShmPath) with { Owner = 0 }, Is.EqualTo(new FrameCounters(6, 6, 0, 0)));
        Assert.That(
            Python.Run("a = np.load(sys.argv[1], mmap_mode='r'); print(a.shape, a.dtype, a[:, 1, 2].tolist())", ShmPath),
            Is.EqualTo("(4, 2, 3) int16 [4, 5, 6, 3]"));
    }

    [Test]
    public void Slot_is_invisible_until_its_commit_and_reserved_again_without_one()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 2);
        FrameReader<int> reader = stream.OpenReader();
        using FrameWriter<int> writer = stream.OpenWriter();
        _ = writer.Publish([1, 1]);
        using (FrameSlot<int> slot = writer.Reserve())
        {
            slot.Span.Fill(7);
            Assert.That(slot.Number, Is.EqualTo(2));
            Assert.That(() => writer.Reserve().Number, Throws.InvalidOperationException.With.Message.Contains("open slot"));
            Assert.That(() => writer.Publish([0, 0]), Throws.InvalidOperationException);
        }

        int[] copy = new int[2];
        Assert.That((reader.TryReadNewest(copy, out long number), number, copy[1]), Is.EqualTo((true, 1L, 1)));
        Assert.That(FrameCounters.Read(ShmPath) with { Owner = 0 }, Is.EqualTo(new FrameCounters(1, 2, 0, 0)));

        FrameSlot<int> again = writer.Reserve();
        Assert.That((again.Number, again.Span[0]), Is.EqualTo((2L, 7)), "the same slot");
        again.AsTensorSpan()[1] = 8;
        again.Commit();
        Assert.That((reader.TryReadNewest(copy, out number), number, copy[0], copy[1]), Is.EqualTo((true, 2L, 7, 8)));
        Assert.That(Ended(again), Is.EqualTo(4));
        again.Dispose();
        FrameSlot<int> next = writer.Reserve();
        Assert.That(Ended(again), Is.EqualTo(4), "an old slot does not commit a new one");
        again.Dispose();
        Assert.That(next.Span.Length, Is.EqualTo(2), "an old slot does not end a new one");
        next.Dispose();
        Assert.That(Ended(default), Is.EqualTo(4));
        Assert.That(stream.NewestNumber, Is.EqualTo(2));

        static int Ended(FrameSlot<int> slot)
        {
            int errors = 0;
            try
            {
                slot.Commit();
            }
            catch (InvalidOperationException)
            {
                errors++;
            }

            try
            {
                _ = slot.Span;
            }
            catch (InvalidOperationException)
            {
                errors++;
            }

            try
            {
                _ = slot.AsTensorSpan();
            }
            catch (InvalidOperationException)
            {
                errors++;
            }

            slot.Dispose();
            return errors + 1;
        }
    }

    [Test]
    public void Reader_in_order_gets_every_frame_from_the_newest_one_on()
    {
        using SharedFrames<long> stream = SharedFrames.Create<long>(Name, 8, 1);
        using FrameWriter<long> writer = stream.OpenWriter();
        _ = writer.Publish([10]);
        _ = writer.Publish([20]);
        FrameReader<long> late = stream.OpenReader();
        for (int i = 3; i <= 6; i++)
        {
            _ = writer.Publish([i * 10]);
        }

        long[] copy = new long[1];
        for (int i = 2; i <= 6; i++)
        {
            Assert.That(late.ReadNext(copy, TimeSpan.Zero, out FrameInfo info), Is.EqualTo(FrameStatus.Frame));
            Assert.That((info, copy[0]), Is.EqualTo((new FrameInfo(i, 0), i * 10L)));
        }

        Assert.That(late.ReadNext(copy, TimeSpan.Zero, out FrameInfo none), Is.EqualTo(FrameStatus.TimedOut));
        Assert.That((none, late.TotalMissed), Is.EqualTo((default(FrameInfo), 0L)));
    }

    [Test]
    public void Overrun_reader_goes_on_halfway_and_counts_the_frames_between()
    {
        using SharedFrames<long> stream = SharedFrames.Create<long>(Name, 8, 1);
        FrameReader<long> reader = stream.OpenReader();
        using FrameWriter<long> writer = stream.OpenWriter();
        for (int i = 1; i <= 8; i++)
        {
            _ = writer.Publish([i]);
        }

        // The slot of frame 1 is reserved for frame 9, so frame 1 is lost, and frame 2 would be the next one.
        using (writer.Reserve())
        {
        }

        long[] copy = new long[1];
        Assert.That(reader.ReadNext(copy, TimeSpan.Zero, out FrameInfo info), Is.EqualTo(FrameStatus.Frame));
        Assert.That((info, copy[0]), Is.EqualTo((new FrameInfo(5, 4), 5L)), "8 - (8 - 2) / 2");
        for (int i = 6; i <= 8; i++)
        {
            Assert.That(reader.ReadNext(copy, TimeSpan.Zero, out info), Is.EqualTo(FrameStatus.Frame));
            Assert.That(info, Is.EqualTo(new FrameInfo(i, 0)));
        }

        for (int i = 9; i <= 12; i++)
        {
            _ = writer.Publish([i]);
        }

        Assert.That((reader.TryReadNewest(copy, out long number), number, reader.TotalMissed), Is.EqualTo((true, 12L, 7L)));
        Assert.That((reader.TryReadNewest(copy, out number), number, reader.TotalMissed), Is.EqualTo((true, 12L, 7L)), "again");
        _ = writer.Publish([13]);
        Assert.That(reader.ReadNext(copy, TimeSpan.Zero, out info), Is.EqualTo(FrameStatus.Frame));
        Assert.That(info, Is.EqualTo(new FrameInfo(13, 3)), "the three that the read of the newest frame skipped");
    }

    [TestCase(3)]
    [TestCase(4)]
    [TestCase(9)]
    public void Frame_used_in_place_counts_until_its_slot_is_reserved_again(int slots)
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, slots, 2, 2);
        FrameReader<int> reader = stream.OpenReader();
        using FrameWriter<int> writer = stream.OpenWriter();
        Assert.That(reader.TryUseNewest(0, static (_, _) => throw new InvalidOperationException("no frame"), out int result), Is.False);
        _ = writer.Publish([1, 2, 3, 4]);

        // The writer works during the use, and overtakes it if it reserves the same slot.
        Assert.That(
            (reader.TryUseNewest((Writer: writer, Frames: slots - 1), Use, out result), result, reader.TotalMissed),
            Is.EqualTo((true, 10, 0L)));
        Assert.That(
            (reader.TryUseNewest((Writer: writer, Frames: slots), Use, out result), result, reader.TotalMissed),
            Is.EqualTo((false, 0, slots - 1L)),
            "slots - 2 skipped, and one overtaken");
        Assert.That(
            (reader.TryUseNewestTensor((Writer: writer, Frames: 0), UseTensor, out result), result),
            Is.EqualTo((true, 10)));
        Assert.That(
            (reader.TryUseNewestTensor((Writer: writer, Frames: slots), UseTensor, out result), result),
            Is.EqualTo((false, 0)));

        // A slot that is reserved and not filled is already lost.
        Assert.That(
            reader.TryUseNewest(
                writer,
                (_, state) =>
                {
                    Write(state, slots - 1);
                    using FrameSlot<int> half = state.Reserve();
                    return half.Number;
                },
                out _),
            Is.False);

        static int Use(ReadOnlySpan<int> frame, (FrameWriter<int> Writer, int Frames) state)
        {
            int sum = frame[0] + frame[1] + frame[2] + frame[3];
            Write(state.Writer, state.Frames);
            return sum;
        }

        static int UseTensor(
            System.Numerics.Tensors.ReadOnlyTensorSpan<int> frame, (FrameWriter<int> Writer, int Frames) state)
        {
            int sum = frame[0, 0] + frame[0, 1] + frame[1, 0] + frame[1, 1];
            Write(state.Writer, state.Frames);
            return sum;
        }

        static void Write(FrameWriter<int> writer, int frames)
        {
            for (int i = 0; i < frames; i++)
            {
                _ = writer.Publish([1, 2, 3, 4]);
            }
        }
    }

    [Test]
    public void Function_that_throws_ends_the_use_and_changes_nothing()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 1);
        FrameReader<int> reader = stream.OpenReader();
        using FrameWriter<int> writer = stream.OpenWriter();
        _ = writer.Publish([1]);
        Assert.That(
            () => reader.TryUseNewest<int, int>(0, static (_, _) => throw new FormatException(), out _),
            Throws.InstanceOf<FormatException>());
        Assert.That(() => reader.TryUseNewest<int, int>(0, null!, out _), Throws.ArgumentNullException);
        Assert.That(() => reader.TryUseNewestTensor<int, int>(0, null!, out _), Throws.ArgumentNullException);
        Assert.That(reader.ReadNext(new int[1], TimeSpan.Zero, out FrameInfo info), Is.EqualTo(FrameStatus.Frame));
        Assert.That(info, Is.EqualTo(new FrameInfo(1, 0)));
    }

    [Test]
    public void Exception_of_a_function_leaves_the_frame_unread()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 4, 1);
        FrameReader<int> reader = stream.OpenReader();
        using FrameWriter<int> writer = stream.OpenWriter();
        _ = writer.Publish([1]);
        Assert.That(
            () => reader.UseNext<int, int>(
                0, static (_, _) => throw new FormatException("refused"), TimeSpan.Zero, CancellationToken.None, out _, out _),
            Throws.InstanceOf<FormatException>());
        int[] copy = new int[1];
        Assert.That(reader.ReadNext(copy, TimeSpan.Zero, out FrameInfo info), Is.EqualTo(FrameStatus.Frame));
        Assert.That((info, copy[0]), Is.EqualTo((new FrameInfo(1, 0), 1)));
    }

    [Test]
    public void Function_may_read_on_write_and_dispose_the_stream()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 4, 1);
        FrameReader<int> reader = stream.OpenReader();
        using FrameWriter<int> writer = stream.OpenWriter();
        _ = writer.Publish([1]);
        _ = writer.Publish([2]);
        FrameStatus status = reader.UseNext(
            (Reader: reader, Writer: writer),
            static (frame, state) =>
            {
                int[] copy = new int[1];
                Assert.That(state.Reader.ReadNext(copy, TimeSpan.Zero, out FrameInfo inner), Is.EqualTo(FrameStatus.Frame));
                Assert.That((inner, copy[0]), Is.EqualTo((new FrameInfo(1, 0), 1)));
                _ = state.Writer.Publish([3]);
                return frame[0];
            },
            TimeSpan.Zero,
            CancellationToken.None,
            out int result,
            out FrameInfo info);
        Assert.That((status, result, info, reader.TotalMissed), Is.EqualTo((FrameStatus.Frame, 1, new FrameInfo(1, 0), 0L)));

        bool isWhole = reader.TryUseNewest(
            stream,
            static (frame, ended) =>
            {
                ended.Dispose();
                return frame[0];
            },
            out result);
        Assert.That((isWhole, result), Is.EqualTo((true, 3)));
        Assert.That(() => reader.TryReadNewest(new int[1], out _), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(File.ReadAllText("/proc/self/maps"), Does.Not.Contain(Name));
    }

    [Test]
    public void One_element_of_any_type_and_no_element_are_frames()
    {
        using (SharedFrames<Tick> ticks = SharedFrames.Create<Tick>(Name, 3))
        using (FrameWriter<Tick> writer = ticks.OpenWriter())
        {
            FrameReader<Tick> reader = ticks.OpenReader();
            Assert.That((ticks.FrameLength, ticks.FrameShape.Length), Is.EqualTo((1L, 0)));
            _ = writer.Publish([new Tick(1, 2.5)]);
            Tick[] copy = new Tick[1];
            Assert.That((reader.TryReadNewest(copy, out long number), number, copy[0]), Is.EqualTo((true, 1L, new Tick(1, 2.5))));
            Assert.That(reader.TryUseNewestTensor(0, static (frame, _) => (frame.Rank, frame[0].Price), out (int, double) seen), Is.True);
            Assert.That(seen, Is.EqualTo((1, 2.5)));
        }

        SharedArray.Delete(Name);
        using SharedFrames<byte> signals = SharedFrames.Create<byte>(Name, 5, 0);
        using FrameWriter<byte> signaller = signals.OpenWriter();
        FrameReader<byte> waiter = signals.OpenReader();
        Assert.That((signaller.Publish([]), signaller.Publish([])), Is.EqualTo((1L, 2L)));
        Assert.That(waiter.ReadNext([], TimeSpan.Zero, out FrameInfo info), Is.EqualTo(FrameStatus.Frame));
        Assert.That(
            (info.Number, waiter.TryUseNewest(0, static (frame, _) => frame.Length, out int length), length),
            Is.EqualTo((1L, true, 0)));
        Assert.That(waiter.TryUseNewestTensor(0, static (frame, _) => (int)frame.FlattenedLength, out length), Is.True);
        using FrameSlot<byte> slot = signaller.Reserve();
        Assert.That((length, slot.Span.Length, (int)slot.AsTensorSpan().FlattenedLength), Is.EqualTo((0, 0, 0)));
    }

    // The array is sparse, so it needs memory for the touched pages only.
    [Test]
    public void Frame_longer_than_a_span_is_a_tensor()
    {
        const long Length = (1L << 31) + 5;
        using SharedFrames<byte> stream = SharedFrames.Create<byte>(Name, 3, [Length], new SharedArrayOptions { Preallocate = false });
        FrameReader<byte> reader = stream.OpenReader();
        using FrameWriter<byte> writer = stream.OpenWriter();
        for (byte i = 1; i <= 5; i++)
        {
            using FrameSlot<byte> slot = writer.Reserve();
            slot.AsTensorSpan()[unchecked((nint)(Length - 1))] = i;
            slot.Commit();
        }

        using (FrameSlot<byte> slot = writer.Reserve())
        {
            bool isSpan = true;
            try
            {
                _ = slot.Span;
            }
            catch (InvalidOperationException)
            {
                isSpan = false;
            }

            Assert.That(isSpan, Is.False);
        }

        Assert.That(reader.TryUseNewestTensor(0, static (frame, _) => frame[unchecked((nint)(Length - 1))], out byte last), Is.True);
        Assert.That(last, Is.EqualTo(5));
        Assert.That(
            () => reader.TryUseNewest(0, static (_, _) => 0, out _), Throws.InvalidOperationException.With.Message.Contains("tensor"));
        Assert.That(() => reader.TryReadNewest(new byte[10], out _), Throws.ArgumentException);
        using SharedArray<byte> array = SharedArray.Attach<byte>(Name);
        Assert.That(array[(3 * Length) - 1], Is.EqualTo(5), "frame 5 is in slot 2");
    }

    [Test]
    public void Wrong_lengths_and_values_are_refused_before_anything_is_touched()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 3, 4);
        using FrameWriter<int> writer = stream.OpenWriter();
        FrameReader<int> reader = stream.OpenReader();
        Assert.That(() => writer.Publish(new int[3]), Throws.ArgumentException.With.Message.Contains("4 elements, not 3"));
        Assert.That(() => writer.Publish(new int[5]), Throws.ArgumentException);
        Assert.That(() => reader.TryReadNewest(new int[3], out _), Throws.ArgumentException.With.Message.Contains(Name));
        Assert.That(() => reader.ReadNext(new int[3], TimeSpan.Zero, out _), Throws.ArgumentException);
        Assert.That(() => reader.ReadNext(new int[4], TimeSpan.FromDays(-1), out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
        writer.Dispose();
        Assert.That(() => stream.OpenWriter((FrameWakeUp)3), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(FrameCounters.Read(ShmPath), Is.EqualTo(default(FrameCounters)));
        int[] longer = new int[6];
        Array.Fill(longer, -1);
        using FrameWriter<int> next = stream.OpenWriter();
        _ = next.Publish([1, 2, 3, 4]);
        Assert.That(reader.TryReadNewest(longer, out _), Is.True);
        Assert.That(longer, Is.EqualTo(new[] { 1, 2, 3, 4, -1, -1 }));
    }

    [Test]
    public void Arrays_that_are_not_streams_are_refused()
    {
        Assert.That(() => SharedFrames.Create<int>(Name, 2, 4), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => SharedFrames.Create<int>(Name, 3, -1), Throws.InstanceOf<ArgumentException>());
        Assert.That(
            () => SharedFrames.Create<int>(Name, 3, [1], new SharedArrayOptions { Locks = 0 }),
            Throws.ArgumentException.With.Message.Contains("Locks"));
        Assert.That(() => SharedFrames.Attach<int>(Name), Throws.InstanceOf<FileNotFoundException>());
        SharedArray.Create<int>(Name).Dispose();
        Assert.That(() => SharedFrames.Attach<int>(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("()"));
        SharedArray.Replace<int>(Name, 2, 9).Dispose();
        Assert.That(() => SharedFrames.Attach<int>(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("at least 3"));
        Assert.That(() => SharedFrames.AttachReadOnly<int>(Name), Throws.InstanceOf<InvalidDataException>());
        _ = Python.Run("np.save(sys.argv[1], np.asfortranarray(np.zeros((4, 5), np.int32)))", $"{ShmPath}-f.npy");
        Assert.That(
            () => SharedFrames.Attach<int>($"{Name}-f.npy"), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("Fortran"));
        File.Copy(
            Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures", "SharedArray", "numpy2_u8_7.sharedarray"),
            ShmPathOf(NameOf("package")));
        Assert.That(
            () => SharedFrames.Attach<ulong>(NameOf("package")),
            Throws.InvalidOperationException.With.Message.Contains("Python's SharedArray package"));
        Assert.That(File.ReadAllText("/proc/self/maps"), Does.Not.Contain(Name), "nothing stays mapped");
    }

    [Test]
    public void Array_of_numpy_is_a_stream_whose_page_the_first_writer_makes()
    {
        _ = Python.Run(
            "np.save(sys.argv[1], np.zeros((3, 2), np.float32)); import os; os.rename(sys.argv[1], sys.argv[1][:-4])", $"{ShmPath}.npy");
        using SharedFrames<float> stream = SharedFrames.Attach<float>(Name);
        using SharedFrames<float> other = SharedFrames.AttachReadOnly<float>(Name);
        long bare = new FileInfo(ShmPath).Length;
        FrameReader<float> reader = other.OpenReader();
        float[] copy = new float[2];
        Assert.That((reader.TryReadNewest(copy, out _), stream.HasWriter, other.HasWriter), Is.EqualTo((false, false, false)));
        Assert.That(reader.ReadNext(copy, TimeSpan.FromMilliseconds(12), out _), Is.EqualTo(FrameStatus.TimedOut));
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(bare), "a reader adds no page");
        Task<FrameStatus> waiting = Task.Run(() => reader.ReadNext(copy, s_longEnough, out _));
        using FrameWriter<float> writer = stream.OpenWriter();
        Assert.That((stream.HasWriter, other.HasWriter), Is.EqualTo((true, true)));
        _ = writer.Publish([1.5f, 2.5f]);
        Assert.That((waiting.Wait(s_longEnough), waiting.Result, copy[1]), Is.EqualTo((true, FrameStatus.Frame, 2.5f)));
    }

    [Test]
    public void Hot_path_allocates_nothing()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 4, 16);
        using FrameWriter<int> writer = stream.OpenWriter();
        FrameReader<int> reader = stream.OpenReader();
        int[] frame = new int[16];
        Turn();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Turn();
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        void Turn()
        {
            _ = writer.Publish(frame);
            _ = reader.ReadNext(frame, TimeSpan.Zero, out _);
            _ = reader.ReadNext(frame, TimeSpan.Zero, out _);
            _ = reader.TryReadNewest(frame, out _);
            _ = reader.TryUseNewest(0, static (span, _) => span.Length, out _);
        }
    }

    private static short[] Frame(short number)
    {
        short[] frame = new short[6];
        Array.Fill(frame, number);
        return frame;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal readonly record struct Tick(long Id, double Price);
}
