namespace PosixShm.Tests;

/// <summary>Frames in asynchronous methods.</summary>
internal sealed class FrameAsyncTests : NamedTest
{
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);

    [TestCase(false)]
    [TestCase(true)]
    public async Task Every_frame_arrives_in_an_await_foreach_until_the_array_is_deleted(bool isReadOnly)
    {
        const int Frames = 300;
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 8, 4);
        using SharedFrames<int> other = isReadOnly ? SharedFrames.AttachReadOnly<int>(Name) : SharedFrames.Attach<int>(Name);
        using FrameWriter<int> writer = stream.OpenWriter();
        using SemaphoreSlim received = new(0);
        Task<long> reading = ReadAllAsync(other.OpenReader(), () => received.Release());
        for (int i = 1; i <= Frames; i++)
        {
            _ = writer.Publish([i, i, i, i]);
            Assert.That(await received.WaitAsync(s_longEnough), Is.True, $"frame {i}");
        }

        SharedArray.Delete(Name);
        Assert.That(await reading.WaitAsync(s_longEnough), Is.EqualTo(Frames));

        static async Task<long> ReadAllAsync(FrameReader<int> reader, Action received)
        {
            int[] copy = new int[4];
            long last = 0;
            await foreach (FrameInfo info in reader.ReadAllAsync(copy))
            {
                Assert.That(info, Is.EqualTo(new FrameInfo(last + 1, 0)));
                Assert.That(copy, Is.All.EqualTo((int)info.Number));
                last = info.Number;
                received();
            }

            return last;
        }
    }

    [Test]
    public async Task Frame_that_is_there_is_read_at_once_and_missed_frames_are_counted()
    {
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 4, 1);
        using FrameWriter<int> writer = stream.OpenWriter();
        FrameReader<int> reader = stream.OpenReader();
        for (int i = 1; i <= 9; i++)
        {
            _ = writer.Publish([i]);
        }

        int[] copy = new int[1];
        ValueTask<FrameInfo?> first = reader.ReadNextAsync(copy);
        Assert.That(first.IsCompletedSuccessfully, Is.True);
        Assert.That(await first, Is.EqualTo(new FrameInfo(8, 7)));
        Assert.That((await reader.ReadNextAsync(copy), copy[0]), Is.EqualTo((new FrameInfo(9, 0), 9)));
        Assert.That(async () => await reader.ReadNextAsync(Memory<int>.Empty), Throws.ArgumentException);
    }

    [Test]
    public async Task Wait_ends_with_its_token_or_its_stream()
    {
        SharedFrames<int> stream = SharedFrames.Create<int>(Name, 4, 1);
        FrameReader<int> reader = stream.OpenReader();
        int[] copy = new int[1];
        using CancellationTokenSource source = new();
        Task<FrameInfo?> cancelled = reader.ReadNextAsync(copy, source.Token).AsTask();
        Assert.That(cancelled.IsCompleted, Is.False);
        await source.CancelAsync();
        Assert.That(async () => await cancelled.WaitAsync(s_longEnough), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await reader.ReadNextAsync(copy, source.Token), Throws.InstanceOf<OperationCanceledException>());

        Task<FrameInfo?> detached = reader.ReadNextAsync(copy).AsTask();
        stream.Dispose();
        Assert.That(async () => await detached.WaitAsync(s_longEnough), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(async () => await reader.ReadNextAsync(copy), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(await File.ReadAllTextAsync("/proc/self/maps"), Does.Not.Contain(Name));
    }

    [Test]
    public async Task Many_readers_of_one_stream_wait_without_a_thread_each()
    {
        const int Readers = 200;
        using SharedFrames<int> stream = SharedFrames.Create<int>(Name, 4, 1);
        using FrameWriter<int> writer = stream.OpenWriter();
        Task<FrameInfo?>[] waits = [.. Enumerable.Range(0, Readers).Select(_ => stream.OpenReader().ReadNextAsync(new int[1]).AsTask())];
        Assert.That(waits.Any(wait => wait.IsCompleted), Is.False);
        Assert.That(Directory.GetDirectories("/proc/self/task"), Has.Length.LessThan(Readers));
        _ = writer.Publish([1]);
        FrameInfo?[] received = await Task.WhenAll(waits).WaitAsync(s_longEnough);
        Assert.That(received, Is.All.EqualTo(new FrameInfo(1, 0)));
    }

    [Test]
    public async Task Reader_without_a_page_waits_for_the_first_frame()
    {
        SharedArray.Create<int>(Name, 3, 1).Dispose();
        using SharedFrames<int> stream = SharedFrames.Attach<int>(Name);
        int[] copy = new int[1];
        Task<FrameInfo?> waiting = stream.OpenReader().ReadNextAsync(copy).AsTask();
        using FrameWriter<int> writer = stream.OpenWriter();
        _ = writer.Publish([5]);
        Assert.That((await waiting.WaitAsync(s_longEnough), copy[0]), Is.EqualTo((new FrameInfo(1, 0), 5)));
    }
}
