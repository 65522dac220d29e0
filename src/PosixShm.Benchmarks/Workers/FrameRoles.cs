using System.Numerics.Tensors;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Workers;

/// <summary>The operations of FrameRows: writers and readers of the stream beside an arena.</summary>
internal static class FrameRoles
{
    private static readonly TimeSpan s_slice = TimeSpan.FromMilliseconds(20);

    /// <summary>Writes frames while the phase lasts, and returns their number.</summary>
    /// <param name="array">The arena.</param>
    /// <param name="writer">The writer.</param>
    /// <param name="fills">Whether every byte is stored.</param>
    public static long Write(SharedArray<double> array, FrameWriter<long> writer, bool fills)
    {
        ref long phase = ref Begin(array);
        long done = 0;
        for (; Volatile.Read(ref phase) == Arena.Going; done++)
        {
            using FrameSlot<long> slot = writer.Reserve();
            if (fills)
            {
                slot.Span.Fill(slot.Number);
            }

            slot.Commit();
        }

        return done;
    }

    /// <summary>Uses frames in place while the phase lasts, and returns the number of those that were whole.</summary>
    /// <param name="array">The arena.</param>
    /// <param name="reader">The reader.</param>
    /// <param name="sums">Whether every byte is loaded.</param>
    public static long Use(SharedArray<double> array, FrameReader<long> reader, bool sums)
    {
        ref long phase = ref Begin(array);
        long done = 0;
        while (Volatile.Read(ref phase) == Arena.Going)
        {
            FrameStatus status = reader.UseNext(
                sums,
                static (frame, sums) => sums ? TensorPrimitives.Sum(frame) : frame[0] * frame.Length,
                s_slice,
                CancellationToken.None,
                out long sum,
                out FrameInfo info);
            if (status == FrameStatus.Frame && sums && sum != info.Number * (1 << 20) / sizeof(long))
            {
                throw new InvalidOperationException($"Frame {info.Number} has the sum {sum}.");
            }

            done += status == FrameStatus.Frame ? 1 : 0;
        }

        return done;
    }

    private static ref long Begin(SharedArray<double> array)
    {
        Span<long> words = Arena.Words(array);
        _ = Interlocked.Increment(ref words[Arena.Ready]);
        Arena.Await(ref words[Arena.Phase], Arena.Going);
        return ref words[Arena.Phase];
    }
}

/// <summary>The writer of a frame of 64 bytes.</summary>
internal readonly struct FramePoster(FrameWriter<long> writer) : ITurn
{
    private readonly long[] _frame = [1, 2, 3, 4, 5, 6, 7, 8];

    public void Enter()
    {
    }

    public void Leave() => _ = writer.Publish(_frame);
}

/// <summary>A reader that waits for the next frame of 64 bytes.</summary>
internal readonly struct FrameWaiter(FrameReader<long> reader) : ITurn
{
    private readonly long[] _copy = new long[8];

    public void Enter() => _ = reader.ReadNext(_copy, Timeout.InfiniteTimeSpan, out _);

    public void Leave()
    {
    }
}

