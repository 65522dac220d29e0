using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>Runs the code of docs/FRAMES.md, and the Python of the same subject in docs/PYTHON.md.</summary>
internal sealed partial class FramesGuideTests : NamedTest
{
    private readonly List<(float First, long Number)> _shown = [];

    [Test]
    public void Stream()
    {
        string name = Name;
        float[] pixels = new float[48 * 64];
        Array.Fill(pixels, 0.25f);
        #region write
        using SharedFrames<float> camera = SharedFrames.Create<float>(name, slots: 8, 48, 64);
        using FrameWriter<float> writer = camera.OpenWriter();

        using (FrameSlot<float> slot = writer.Reserve()) // filled in place
        {
            slot.Span.Fill(0.5f);
            slot.Commit();
        }

        long number = writer.Publish(pixels); // copied; 2
        #endregion
        Assert.That(number, Is.EqualTo(2));

        #region newest
        using SharedFrames<float> stream = SharedFrames.AttachReadOnly<float>(name);
        FrameReader<float> reader = stream.OpenReader();
        float[] copy = new float[stream.FrameLength];
        if (reader.TryReadNewest(copy, out long newest))
        {
            Show(copy, newest);
        }
        #endregion
        Assert.That(_shown, Is.EqualTo(new[] { (0.25f, 2L) }));

        for (int i = 3; i <= 12; i++)
        {
            _ = writer.Publish(pixels);
        }

        SharedArray.Delete(name);
        long lost = 0;
        #region next
        while (reader.ReadNext(copy, TimeSpan.FromSeconds(1), out FrameInfo info) == FrameStatus.Frame)
        {
            lost += info.Missed; // frames that were overwritten before this reader came to them
            Show(copy, info.Number);
        }
        #endregion
        Assert.That((lost, reader.TotalMissed), Is.EqualTo((6L, 6L)));
        Assert.That(_shown.Select(frame => frame.Number), Is.EqualTo(new[] { 2L, 9, 10, 11, 12 }));

        pixels[7] = 0.75f;
        pixels.AsSpan(0, 7).Clear();
        _ = writer.Publish(pixels);
        int found = -1;
        #region in-place
        if (reader.TryUseNewest(0.25f, static (frame, least) => frame.IndexOfAnyInRange(least, 1), out int first))
        {
            Found(first);
        }
        #endregion
        Assert.That(found, Is.EqualTo(7));

        void Found(int index) => found = index;
    }

    [Test]
    public async Task Enumeration()
    {
        CancellationToken cancellation = CancellationToken.None;
        using SharedFrames<float> stream = SharedFrames.Create<float>(Name, 8, 2);
        using FrameWriter<float> writer = stream.OpenWriter();
        FrameReader<float> reader = stream.OpenReader();
        float[] copy = new float[2];
        _ = writer.Publish([1, 2]);
        _ = writer.Publish([3, 4]);
        SharedArray.Delete(Name);
        #region foreach
        await foreach (FrameInfo frame in reader.ReadAllAsync(copy, cancellation))
        {
            Show(copy, frame.Number);
        }
        #endregion
        Assert.That(_shown, Is.EqualTo(new[] { (1f, 1L), (3f, 2L) }));
    }

    [Test]
    public void Page_shows_all_code_of_this_file() => Regions.CompareWithPage("FramesGuideTests.cs", "docs", "FRAMES.md");

    // A writer overwrites the frames meanwhile: each that Python returns must be one frame.
    [Test]
    public void Ten_lines_of_Python_read_the_newest_frame_whole_or_not_at_all()
    {
        const int Words = 16_384;
        string code = Block().Match(Regions.Page("docs", "PYTHON.md").Split("\n## Streams of frames\n")[1]).Groups[1].Value;
        Assert.That(code.TrimEnd().Split('\n'), Has.Length.EqualTo(10));
        SharedArray.Create<ulong>(Name, 3, Words).Dispose();
        Assert.That(Run("print(newest(sys.argv[1]))"), Is.EqualTo("(None, 0)"), "without a page");
        using SharedFrames<ulong> stream = SharedFrames.Attach<ulong>(Name);
        using FrameWriter<ulong> writer = stream.OpenWriter();
        Assert.That(Run("print(newest(sys.argv[1]))"), Is.EqualTo("(None, 0)"), "without a frame");

        using ChildProcess python = Python.Start(
            code + """

            print("READY", flush=True)
            sys.stdin.readline()
            seen = last = 0
            while seen < 200:
                frame, number = newest(sys.argv[1])
                if number:
                    assert number >= last, "back"
                    assert (frame == np.uint64(number) + np.arange(len(frame), dtype=np.uint64)).all(), "torn"
                    seen, last = seen + (number > last), number
            """,
            ShmPath);
        python.Expect("READY");
        python.Send("GO");
        while (!python.HasExited)
        {
            using FrameSlot<ulong> slot = writer.Reserve();
            Span<ulong> words = slot.Span;
            for (int i = 0; i < words.Length; i++)
            {
                words[i] = (ulong)slot.Number + (ulong)i;
            }

            slot.Commit();
        }

        python.WaitForSuccess();
        Assert.That(Run("print(newest(sys.argv[1])[1])"), Is.EqualTo($"{stream.NewestNumber}"));

        string Run(string script) => Python.Run($"{code}\n{script}", ShmPath);
    }

    private void Show(float[] frame, long number) => _shown.Add((frame[0], number));

    [GeneratedRegex("```python\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
