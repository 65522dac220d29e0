namespace PosixShm.Tests;

/// <summary>Streams of frames whose writers and readers die at any moment.</summary>
internal sealed class FrameDeathTests : NamedTest
{
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);

    [TestCase("opened", 2)]
    [TestCase("reserved", 2)]
    [TestCase("half filled", 2)]
    [TestCase("filled", 2)]
    [TestCase("committed", 3)]
    [TestCase("committed, before the wake-up", 3)]
    public void Killed_writer_leaves_no_half_frame_and_the_next_one_goes_on_with_the_same_number(string step, int whole)
    {
        using SharedFrames<long> stream = SharedFrames.Create<long>(Name, 3, 4);
        using SharedFrames<long> readOnly = SharedFrames.AttachReadOnly<long>(Name);
        FrameReader<long> reader = stream.OpenReader();
        long[] copy = new long[4];
        using (ChildProcess child = ChildProcess.Start([(FailingShim.DieAt, "none")], WriteUntil, Name, step))
        {
            child.Expect("THERE");
            Assert.That((stream.HasWriter, readOnly.HasWriter), Is.EqualTo((true, true)));
            if (step.EndsWith("wake-up", StringComparison.Ordinal))
            {
                child.Send("GO");
                Assert.That(child.WaitForExit(), Is.EqualTo(128 + 9));
            }
            else
            {
                child.Kill();
            }
        }

        Assert.That((stream.HasWriter, readOnly.HasWriter, stream.NewestNumber), Is.EqualTo((false, false, (long)whole)));
        for (int i = 1; i <= whole; i++)
        {
            Assert.That(reader.ReadNext(copy, TimeSpan.Zero, out FrameInfo info), Is.EqualTo(FrameStatus.Frame));
            Assert.That((info, copy), Is.EqualTo((new FrameInfo(i, 0), new long[] { i, i, i, i })));
        }

        Assert.That(reader.ReadNext(copy, TimeSpan.Zero, out _), Is.EqualTo(FrameStatus.TimedOut));
        using FrameWriter<long> next = stream.OpenWriter();
        Assert.That((next.NewestNumber, next.Publish([9, 9, 9, 9])), Is.EqualTo((whole, whole + 1L)));
        Assert.That((readOnly.OpenReader().TryReadNewest(copy, out long number), number, copy[3]), Is.EqualTo((true, whole + 1L, 9L)));

        static int WriteUntil(string[] args)
        {
            using SharedFrames<long> stream = SharedFrames.Attach<long>(args[0]);
            using FrameWriter<long> writer = stream.OpenWriter(FrameWakeUp.Always);
            _ = writer.Publish([1, 1, 1, 1]);
            _ = writer.Publish([2, 2, 2, 2]);
            StopAt("opened");
            using FrameSlot<long> slot = writer.Reserve();
            StopAt("reserved");
            slot.Span[..2].Fill(3);
            StopAt("half filled");
            slot.Span.Fill(3);
            StopAt("filled");
            if (args[1].EndsWith("wake-up", StringComparison.Ordinal))
            {
                StopAt(args[1]);
                FailingShim.DieNextAt("before-wake");
            }

            slot.Commit();
            StopAt("committed");
            return 1;

            void StopAt(string step)
            {
                if (args[1] == step)
                {
                    Console.WriteLine("THERE");
                    _ = Console.ReadLine();
                }
            }
        }
    }

    // Without a successor, the sleep ends by itself; with one, the successor ends it.
    [TestCase(false)]
    [TestCase(true)]
    public void Reader_gets_the_frame_of_a_writer_that_died_before_the_wake_up(bool hasSuccessor)
    {
        using SharedFrames<long> stream = SharedFrames.Create<long>(Name, 3, 1);
        FrameReader<long> reader = stream.OpenReader();
        using ChildProcess child = ChildProcess.Start([(FailingShim.DieAt, "none")], CommitOne, Name);
        child.Expect("READY");
        long[] copy = new long[1];
        Task<FrameStatus> waiting = Task.Run(() => reader.ReadNext(copy, s_longEnough, out _));
        Assert.That(() => FrameCounters.Read(ShmPath).Sleepers & 1, Is.EqualTo(1u).After(60_000, 5), "asleep");
        child.Send("GO");
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 9));
        using FrameWriter<long>? successor = hasSuccessor ? stream.OpenWriter() : null;
        Assert.That((waiting.Wait(s_longEnough), waiting.Result, copy[0]), Is.EqualTo((true, FrameStatus.Frame, 5L)));

        static int CommitOne(string[] args)
        {
            using SharedFrames<long> stream = SharedFrames.Attach<long>(args[0]);
            using FrameWriter<long> writer = stream.OpenWriter();
            Console.WriteLine("READY");
            _ = Console.ReadLine();
            FailingShim.DieNextAt("before-wake");
            _ = writer.Publish([5]);
            return 1;
        }
    }

    [TestCase("before-sleep")]
    [TestCase("after-sleep")]
    public void Killed_reader_costs_the_others_nothing(string step)
    {
        using SharedFrames<long> stream = SharedFrames.Create<long>(Name, 3, 1);
        using FrameWriter<long> writer = stream.OpenWriter();
        using (ChildProcess child = ChildProcess.Start([(FailingShim.DieAt, step)], WaitForOne, Name))
        {
            Assert.That(child.WaitForExit(), Is.EqualTo(128 + 9));
        }

        Assert.That(FrameCounters.Read(ShmPath).Sleepers, Is.EqualTo(1u), "its mark");
        FrameReader<long> reader = stream.OpenReader();
        long[] copy = new long[1];
        Task<FrameStatus> waiting = Task.Run(() => reader.ReadNext(copy, s_longEnough, out _));
        Assert.That(writer.Publish([1]), Is.EqualTo(1));
        Assert.That((waiting.Wait(s_longEnough), waiting.Result), Is.EqualTo((true, FrameStatus.Frame)));
        Assert.That(FrameCounters.Read(ShmPath).Sleepers, Is.EqualTo(2u), "one wake-up");
        Assert.That(writer.Publish([2]), Is.EqualTo(2));
        Assert.That(FrameCounters.Read(ShmPath).Sleepers, Is.EqualTo(2u), "and no further one");

        static int WaitForOne(string[] args)
        {
            using SharedFrames<long> stream = SharedFrames.Attach<long>(args[0]);
            _ = stream.OpenReader().ReadNext(new long[1], s_longEnough, out _);
            return 1;
        }
    }

    // A hundredth of the reads of ./build.sh soak.
    [TestCase(64, 1_000_000)]
    [TestCase(64 << 10, 10_000)]
    [TestCase(1 << 20, 500)]
    public void Storm_of_kills_lets_no_torn_frame_pass_and_loses_no_wake_up(int bytes, int reads)
    {
        using ChildProcess storm = ChildProcess.Start(Run, Name, $"{bytes}", $"{reads}");
        storm.WaitForSuccess();
        TestContext.Out.WriteLine(storm.Output);

        static int Run(string[] args)
        {
            int[] numbers = [.. args.Skip(1).Select(text => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture))];
            Console.WriteLine(FrameStorm.Storm(args[0], numbers[0], numbers[1], kills: 100, seed: 5));
            return 0;
        }
    }
}
