#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// A large table, loaded once: children read it without copying it, and one that changes its private copy changes only that. Checks itself.
//
//     ./private-copies.cs

using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using PosixShm;

const int Rows = 1000;
const int Columns = 1000;

switch (args)
{
    // Prints the sum of the table for every line that it reads, and at the end how much private memory it used.
    case ["reader", string shared]:
    {
        using ReadOnlySharedArray<double> table = SharedArray.AttachReadOnly<double>(shared);
        while (Console.ReadLine() is "sum")
        {
            Console.WriteLine(TensorPrimitives.Sum(table.Span).ToString(CultureInfo.InvariantCulture));
        }

        Console.WriteLine(OwnMemory(shared));
        return 0;
    }

    // The same, but with a private copy, whose first element it changes.
    case ["changer", string shared]:
    {
        using SharedArray<double> table = SharedArray.AttachCopyOnWrite<double>(shared);
        table[0] += 1;
        while (Console.ReadLine() is "sum")
        {
            Console.WriteLine(TensorPrimitives.Sum<double>(table.Span).ToString(CultureInfo.InvariantCulture));
        }

        Console.WriteLine(OwnMemory(shared));
        return 0;
    }
}

string name = $"private-copies-{Environment.ProcessId}";
List<Process> children = [];

try
{
    using SharedArray<double> table = SharedArray.Create(name, ArrayContent.Filled(0.5, Rows, Columns));
    children.Add(Start("reader", name));
    children.Add(Start("changer", name));
    children.Add(Start("reader", name));

    string[] sums = [.. await Task.WhenAll(children.Select(child => Ask(child, "sum")))];
    Check("the reader before the changer sees what was loaded", sums[0] == "500000");
    Check("the changer sees its change", sums[1] == "500001");
    Check("the reader after it sees what was loaded", sums[2] == "500000");
    Check("and so do we", table[0] == 0.5);

    // 8 MB each, had they been copied. "kB" of proc(5) are KiB; a page is 4 of them on most machines.
    string[] own = [.. await Task.WhenAll(children.Select(child => Ask(child, "memory")))];
    int page = Environment.SystemPageSize / 1024;
    Check($"own memory of the three, in KiB: {string.Join(", ", own)}", own.SequenceEqual(["0", $"{page}", "0"]));
    return 0;
}
catch (Exception error)
{
    Console.Error.WriteLine($"FAILED: {error.Message}");
    return 1;
}
finally
{
    children.ForEach(child => child.Kill()); // does nothing to those that have ended
    _ = SharedArray.TryDelete(name);
}

// This script again, with arguments.
static Process Start(params string[] arguments)
    => Process.Start(
        new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

static async Task<string> Ask(Process child, string question)
{
    await child.StandardInput.WriteLineAsync(question);
    await child.StandardInput.FlushAsync();
    return await child.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) ?? "nothing";
}

// How much of the mapping is this process's alone: "Anonymous" in smaps, proc(5).
static string OwnMemory(string shared)
    => File.ReadLines("/proc/self/smaps")
        .SkipWhile(line => !line.EndsWith(shared, StringComparison.Ordinal))
        .First(line => line.StartsWith("Anonymous:", StringComparison.Ordinal))
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
