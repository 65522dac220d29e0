#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// Post-processing without a lock: the writer has finished, a child process attaches the result read-only and evaluates it.
// Checks itself.
//
//     ./read-only.cs

using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using PosixShm;

const int Steps = 1000;
const int Sensors = 8;

if (args is ["child", string shared])
{
    using ReadOnlySharedArray<double> result = SharedArray.AttachReadOnly<double>(shared);

    // The writer has finished, so no lock is needed. Nothing can be changed through this attachment.
    double highest = TensorPrimitives.Max(result.Span);
    double mean = TensorPrimitives.Average(result.Row(Steps - 1));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{highest} {mean}"));

    // The kernel's word: "r--s" is readable, not writable, shared.
    Console.WriteLine(File.ReadLines("/proc/self/maps").First(line => line.EndsWith(shared, StringComparison.Ordinal)).Split(' ')[1]);
    try
    {
        result.SetValue(1.0, 0);
        Console.WriteLine("written");
    }
    catch (NotSupportedException)
    {
        Console.WriteLine("refused");
    }

    return 0;
}

string name = $"read-only-{Environment.ProcessId}";

try
{
    using (SharedArray<double> measured = SharedArray.Create(name, Steps, Sensors))
    {
        for (int step = 0; step < Steps; step++)
        {
            measured.Row(step).Fill(step / 4.0);
        }
    }

    ProcessStartInfo start = new(Environment.ProcessPath!, ["child", name]) { RedirectStandardOutput = true };
    using Process child = Process.Start(start)!;
    try
    {
        Check("the highest value and the mean of the last step", await NextLine(child) == "249.75 249.75");
        Check("the child's mapping is read-only", await NextLine(child) == "r--s");
        Check("the child cannot set an element", await NextLine(child) == "refused");
        await child.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Check("the child ended well", child.ExitCode == 0);
    }
    finally
    {
        child.Kill(); // does nothing to one that has ended
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
    _ = SharedArray.TryDelete(name);
}

static async Task<string?> NextLine(Process child) => await child.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
