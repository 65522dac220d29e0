using System.Diagnostics;
using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks;

/// <summary>The part of this program that runs in other processes: it takes locks that they share.</summary>
internal static class LockWorker
{
    public const string Argument = "lock-worker";

    /// <summary>Answers requests as twin.h describes them.</summary>
    public static void Run()
    {
        Dictionary<string, SharedArray<double>> arrays = [];
        Dictionary<string, Mutex> mutexes = [];
        while (Console.In.ReadLine() is string line)
        {
            string[] words = line.Split(' ');
            long count = long.Parse(words[1], CultureInfo.InvariantCulture);
            string name = Path.GetFileName(words[2]);
            if (!arrays.TryGetValue(name, out SharedArray<double>? array))
            {
                array = SharedArray.Attach(name);
                arrays.Add(name, array);
                mutexes.Add(name, new Mutex(initiallyOwned: false, name));
            }

            long start = Stopwatch.GetTimestamp();
            if (words[0] == "mutex")
            {
                Change(mutexes[name], array, count);
            }
            else
            {
                Change(array.Lock, array, count);
            }

            Console.WriteLine((long)Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }
    }

    private static void Change(SharedLock shared, SharedArray<double> array, long count)
    {
        Span<double> elements = array.Span;
        for (long i = 0; i < count; i++)
        {
            using (shared.EnterScope())
            {
                elements[0]++;
            }
        }
    }

    private static void Change(Mutex mutex, SharedArray<double> array, long count)
    {
        Span<double> elements = array.Span;
        for (long i = 0; i < count; i++)
        {
            _ = mutex.WaitOne();
            elements[0]++;
            mutex.ReleaseMutex();
        }
    }
}
