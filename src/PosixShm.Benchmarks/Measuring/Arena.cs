using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>The words by which processes compete or wake each other, in the elements of an array. twin/arena.h has the same.</summary>
internal static class Arena
{
    /// <summary>A double that is changed under the lock.</summary>
    public const int Element = 0;

    /// <summary>Whether processes compete: <see cref="Going"/>.</summary>
    public const int Phase = 8;

    /// <summary>The number of processes that wait for <see cref="Going"/>.</summary>
    public const int Ready = 16;

    /// <summary>The number of the wake-up for which a sleeper may go to sleep, from 1.</summary>
    public const int Turn = 24;

    /// <summary>The number of the wake-up for which it goes to sleep.</summary>
    public const int Asleep = 32;

    /// <summary>The time at which it was woken.</summary>
    public const int Sent = 40;

    /// <summary>The number of the last wake-up.</summary>
    public const int Done = 48;

    /// <summary>Nanoseconds from <see cref="Asleep"/> to the wake-up.</summary>
    public const int Pause = 56;

    /// <summary>The offset of the lock or change counter of a contender in C, in bytes. Further ones follow.</summary>
    public const int Lock = 512;

    /// <summary>The bytes of each lock.</summary>
    public const int LockSize = 128;

    /// <summary>The bytes of the arena.</summary>
    public const int Size = 4096;

    public const long Going = 1;

    public const long Over = 2;

    /// <summary>Work takes this long only if another process has died.</summary>
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
                throw new TimeoutException("Another process does not respond.");
            }
        }
    }
}
