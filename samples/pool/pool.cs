#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// A pool of worker processes that change the signs of slices: under a lock where jobs meet, without one where they do not. The workers
// start before there is any array, and get names by lines. Checks itself.
//
//     ./pool.cs [WORKERS] [ARRAYS]

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using PosixShm;

const int N = 100;
const int SliceLength = 10;
const int JobsPerSlice = 11; // an odd number of sign flips leaves exactly one

if (args is ["worker"])
{
    Work();
    return 0;
}

int workerCount = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 4;
int arrayCount = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 3;
string name = $"pool-{Environment.ProcessId}";
List<Process> workers = [];
List<SharedArray<double>> arrays = [];

try
{
    for (int i = 0; i < workerCount; i++)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, ["worker"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        workers.Add(Process.Start(start)!);
    }

    await OneSliceUnderTheLock();
    await AsManyArraysAsAskedFor(arrayCount);
    await ALockForEachSlice();

    foreach (Process worker in workers)
    {
        worker.StandardInput.Close();
        await worker.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Check("a worker ended well", worker.ExitCode == 0);
    }

    return 0;
}
catch (Exception error)
{
    Console.Error.WriteLine($"FAILED: {error.Message}");
    return 1;
}
finally
{
    workers.ForEach(worker => worker.Kill()); // does nothing to those that have ended
    foreach (SharedArray<double> array in arrays)
    {
        array.Dispose();
        _ = SharedArray.TryDelete(array.Name);
    }
}

// All jobs that share a slice take the lock; a slice of one's own needs none.
async Task OneSliceUnderTheLock()
{
    SharedArray<double> a = CreateRandom($"{name}-one", locks: 1);
    double[] before = a.ToArray();
    List<string> jobs = [.. Enumerable.Repeat(Job(a, 0, SliceLength, locked: 0), JobsPerSlice)];
    for (int start = SliceLength; start < N; start += SliceLength)
    {
        jobs.Add(Job(a, start, SliceLength, locked: null));
    }

    int[] done = await Run(jobs);
    Check(
        $"{jobs.Count} jobs on one array, by {workerCount} workers ({string.Join(" + ", done)}): every element is minus what it was",
        IsNegated(a, before));
}

// Each array has a lock of its own: workers on different arrays do not wait for each other.
async Task AsManyArraysAsAskedFor(int count)
{
    List<(SharedArray<double> Array, double[] Before)> all = [];
    for (int i = 0; i < count; i++)
    {
        SharedArray<double> a = CreateRandom($"{name}-{i}", locks: 1);
        all.Add((a, a.ToArray()));
    }

    _ = await Run([.. Enumerable.Range(0, JobsPerSlice).SelectMany(_ => all.Select(each => Job(each.Array, 0, N, locked: 0)))]);
    Check(
        $"{count} arrays, each with its own lock: every element of each is minus what it was",
        all.TrueForAll(each => IsNegated(each.Array, each.Before)));
}

// One array, and a lock for each slice of it.
async Task ALockForEachSlice()
{
    const int Slices = N / SliceLength; // an array has 31 locks, unless more were asked for
    SharedArray<double> a = CreateRandom($"{name}-slices", locks: Slices);
    double[] before = a.ToArray();
    IEnumerable<int> slices = Enumerable.Range(0, JobsPerSlice * Slices).Select(job => job % Slices);
    _ = await Run([.. slices.Select(slice => Job(a, slice * SliceLength, SliceLength, locked: slice))]);
    Check($"one array with a lock for each of {Slices} slices: every element is minus what it was", IsNegated(a, before));
}

SharedArray<double> CreateRandom(string itsName, int locks)
{
    SharedArray<double> a = SharedArray.Create(itsName, ArrayContent.Zeros<double>(N), new SharedArrayOptions { Locks = locks });
    arrays.Add(a);
    foreach (ref double element in a)
    {
        element = 1 + Random.Shared.NextDouble();
    }

    return a;
}

// Each idle worker gets the next job. Returns how many jobs each of them did.
async Task<int[]> Run(List<string> jobs)
{
    ConcurrentQueue<string> queue = new(jobs);
    return await Task.WhenAll(workers.Select(async worker =>
    {
        int done = 0;
        while (queue.TryDequeue(out string? job))
        {
            await worker.StandardInput.WriteLineAsync(job);
            await worker.StandardInput.FlushAsync();
            string? answer = await worker.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
            if (answer != "done")
            {
                throw new InvalidOperationException($"a worker answered '{answer}' to '{job}'");
            }

            done++;
        }

        return done;
    }));
}

static string Job(SharedArray<double> a, int start, int length, int? locked)
    => $"{a.Name} {start} {length} {locked?.ToString(CultureInfo.InvariantCulture) ?? "-"}";

static bool IsNegated(SharedArray<double> a, double[] before) => a.Zip(before).All(pair => pair.First == -pair.Second);

// A worker: for each line "NAME START LENGTH LOCK" it changes the signs of a slice, under that lock if one is named, and prints "done".
static void Work()
{
    Dictionary<string, SharedArray<double>> attached = [];
    while (Console.ReadLine()?.Split(' ') is [string itsName, string start, string length, string locked])
    {
        if (!attached.TryGetValue(itsName, out SharedArray<double>? a))
        {
            a = SharedArray.Attach(itsName);
            attached.Add(itsName, a);
        }

        Span<double> slice = a.AsSpan(long.Parse(start, CultureInfo.InvariantCulture), int.Parse(length, CultureInfo.InvariantCulture));
        if (locked == "-")
        {
            Negate(slice);
        }
        else
        {
            using (a.Locks[int.Parse(locked, CultureInfo.InvariantCulture)].EnterScope())
            {
                Negate(slice);
            }
        }

        Console.WriteLine("done");
    }

    foreach (SharedArray<double> a in attached.Values)
    {
        a.Dispose();
    }
}

// Slowly, so that jobs meet: without the lock, most runs lose a flip.
static void Negate(Span<double> slice)
{
    double[] old = slice.ToArray();
    Thread.Sleep(1);
    TensorPrimitives.Negate(old, slice);
}

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
