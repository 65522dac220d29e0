namespace PosixShm.Tests;

/// <summary>Programs in C and Python that write and read streams of frames by the rules of docs/FORMAT.md alone.</summary>
internal sealed class ForeignFrameTests : NamedTest
{
    private const int Slots = 4;
    private const int Words = 512;
    private const int Frames = 2000;

    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);

    [Test]
    public void Writer_in_C_and_writer_in_CSharp_continue_each_other_for_readers_in_both()
    {
        using SharedFrames<ulong> stream = SharedFrames.Create<ulong>(Name, Slots, Words);
        using ChildProcess inC = Start("read", 2 * Frames);
        inC.Expect("READY 0");
        inC.Send("GO");

        FrameReader<ulong> reader = stream.OpenReader();
        using (ChildProcess writer = Start("write", Frames))
        {
            writer.Expect("READY 0");
            Assert.That(stream.HasWriter, Is.True);
            Assert.That(() => stream.OpenWriter(), Throws.InstanceOf<IOException>());
            writer.Send("GO");
            ReadTo(reader, Frames);
            writer.WaitForSuccess();
        }

        Assert.That(stream.HasWriter, Is.False);
        using (FrameWriter<ulong> writer = stream.OpenWriter())
        {
            using (ChildProcess second = Start("write", 1))
            {
                second.Expect("BUSY");
                Assert.That(second.WaitForExit(), Is.EqualTo(1));
            }

            Assert.That(writer.NewestNumber, Is.EqualTo(Frames));
            ulong[] frame = new ulong[Words];
            while (!inC.HasExited)
            {
                Fill(frame, (ulong)writer.NewestNumber + 1);
                _ = writer.Publish(frame);
            }
        }

        inC.WaitForSuccess();
        Assert.That(inC.Output, Does.Contain($"RECEIVED {2 * Frames} MISSED"));
    }

    [Test]
    public void Writer_in_C_that_dies_in_a_frame_is_replaced_with_the_same_number()
    {
        using SharedFrames<ulong> stream = SharedFrames.Create<ulong>(Name, Slots, Words);
        FrameReader<ulong> reader = stream.OpenReader();
        using (ChildProcess writer = Start("write", 2, "half"))
        {
            writer.Expect("READY 0");
            writer.Send("GO");
            writer.Expect("HALF");
            ReadTo(reader, 2);
            Assert.That((stream.NewestNumber, FrameCounters.Read(ShmPath).Reserved), Is.EqualTo((2L, 3UL)));
            writer.Kill();
        }

        using FrameWriter<ulong> next = stream.OpenWriter();
        ulong[] frame = new ulong[Words];
        Fill(frame, 3);
        Assert.That(next.Publish(frame), Is.EqualTo(3));
        ReadTo(reader, 3);
    }

    private static void ReadTo(FrameReader<ulong> reader, long last)
    {
        ulong[] copy = new ulong[Words];
        ulong[] expected = new ulong[Words];
        for (long before = reader.LastNumber; before < last; before = reader.LastNumber)
        {
            Assert.That(reader.ReadNext(copy, s_longEnough, out FrameInfo info), Is.EqualTo(FrameStatus.Frame));
            Assert.That(info.Number, Is.EqualTo(before + 1 + info.Missed));
            Fill(expected, (ulong)info.Number);
            Assert.That(copy.AsSpan().SequenceEqual(expected), Is.True, $"frame {info.Number}");
        }
    }

    private static void Fill(Span<ulong> frame, ulong number)
    {
        for (int i = 0; i < frame.Length; i++)
        {
            frame[i] = unchecked((number * 0x9E37_79B9_7F4A_7C15) + (ulong)i);
        }
    }

    private ChildProcess Start(string role, int count, params string[] more)
    {
        string program = Path.Combine(Folder, "frames");
        if (!File.Exists(program))
        {
            string source = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures", "Frames", "frames.c");
            _ = ChildProcess.Run("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source);
        }

        return ChildProcess.Start(program, [role, ShmPath, $"{Slots}", $"{Words}", $"{count}", .. more]);
    }
}
