using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>Where processes compete, or wake each other: words in the elements of an array. twin/arena.h has the same.</summary>
internal static class Arena
{
    /// <summary>Changed under the lock, a double.</summary>
    public const int Element = 0;

    /// <summary>Whether processes compete: <see cref="Going"/>.</summary>
    public const int Phase = 8;

    /// <summary>How many wait for <see cref="Going"/>.</summary>
    public const int Ready = 16;

    /// <summary>The wake-up for which a sleeper may go to sleep, from 1.</summary>
    public const int Turn = 24;

    /// <summary>The wake-up for which it does.</summary>
    public const int Asleep = 32;

    /// <summary>When it was woken.</summary>
    public const int Sent = 40;

    /// <summary>The wake-up that it has had.</summary>
    public const int Done = 48;

    /// <summary>Nanoseconds from <see cref="Asleep"/> to the wake-up.</summary>
    public const int Pause = 56;

    /// <summary>Offset in bytes of what a contender in C uses: a lock, or a count of changes. Further ones follow.</summary>
    public const int Lock = 512;

    /// <summary>Bytes of each.</summary>
    public const int LockSize = 128;

    /// <summary>Bytes of all.</summary>
    public const int Size = 4096;

    public const long Going = 1;

    public const long Over = 2;

    /// <summary>Nothing here takes this long, unless another process has died.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static Span<long> Words(SharedArray<double> array) => MemoryMarshal.Cast<double, long>(array.Span);

    /// <summary>Clears all but the locks.</summary>
    public static Span<long> Clear(SharedArray<double> array)
    {
        Span<long> words = Words(array);
        words[..(Lock / sizeof(long))].Clear();
        return words;
    }

    /// <summary>Waits until a word, which only grows, has reached a value.</summary>
    public static void Await(ref long word, long value)
    {
        long start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref word) < value)
        {
            _ = Thread.Yield();
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                throw new TimeoutException("Another process does not answer.");
            }
        }
    }
}
