using System.Diagnostics;
using PosixShm.Benchmarks.Measuring;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Workers;

/// <summary>The operations of twin/arena.h for .NET's locks and events.</summary>
internal static class Roles
{
    /// <summary>Changes the element under the lock while the phase lasts, and returns the number of changes.</summary>
    public static long Contend<T>(SharedArray<double> array, T turn)
        where T : struct, ITurn
    {
        const int Checked = 1 << 16;
        Span<long> words = Arena.Words(array);
        ref double element = ref array.Span[Arena.Element];
        ref long phase = ref words[Arena.Phase];
        long done = 0;
        _ = Interlocked.Increment(ref words[Arena.Ready]);
        Arena.Await(ref phase, Arena.Going);
        long start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref phase) == Arena.Going && (++done % Checked != 0 || Stopwatch.GetElapsedTime(start) < Arena.Patience))
        {
            turn.Enter();
            element++;
            turn.Leave();
        }

        return done;
    }

    /// <summary>Wakes another process a number of times, each time after it has slept for the pause.</summary>
    public static long[] Wake<T>(SharedArray<double> array, long count, T turn)
        where T : struct, ITurn
    {
        Span<long> words = Arena.Words(array);
        TimeSpan pause = TimeSpan.FromMicroseconds(words[Arena.Pause] / 1_000.0);
        for (long i = 1; i <= count; i++)
        {
            turn.Enter();
            Volatile.Write(ref words[Arena.Turn], i);
            Arena.Await(ref words[Arena.Asleep], i);
            for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < pause;)
            {
                Thread.SpinWait(1);
            }

            words[Arena.Sent] = Stopwatch.GetTimestamp();
            turn.Leave();
            Arena.Await(ref words[Arena.Done], i);
        }

        return [count];
    }

    /// <summary>Sleeps a number of times, and returns the nanoseconds of each wake-up.</summary>
    public static long[] BeWoken<T>(SharedArray<double> array, long count, T turn)
        where T : struct, ITurn
    {
        long[] took = new long[count];
        Span<long> words = Arena.Words(array);
        for (long i = 1; i <= count; i++)
        {
            Arena.Await(ref words[Arena.Turn], i);
            Volatile.Write(ref words[Arena.Asleep], i);
            turn.Enter();
            took[i - 1] = (long)Stopwatch.GetElapsedTime(words[Arena.Sent], Stopwatch.GetTimestamp()).TotalNanoseconds;
            turn.Leave();
            Volatile.Write(ref words[Arena.Done], i);
        }

        return took;
    }

    /// <summary>Awaits a number of changes without sleeping, and returns the nanoseconds of each.</summary>
    public static long[] Spin(SharedArray<double> array, long count, ChangeCounter changed)
    {
        WaitSettings.SpinTime = TimeSpan.FromMilliseconds(10);
        long[] took = BeWoken(array, count, new Waiter(changed, changed.Count));
        WaitSettings.SpinTime = null;
        return took;
    }
}
