#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// An array without a name: made from an ordinary one, handed to children by its path, by inheritance, and to Python, and freed
// with its last user.
// Checks itself.
//
//     ./anonymous.cs                       PYTHON=... names a Python that has numpy; else it is python3

using System.Diagnostics;
using System.Numerics.Tensors;
using PosixShm;

if (args is ["child", string path])
{
    // This process keeps the array, also after the process that handed it on has exited.
    using SharedArray<long> mine = SharedArray.Attach<long>(path);
    Console.WriteLine("attached");
    while (Console.ReadLine() is "sum")
    {
        Console.WriteLine(TensorPrimitives.Sum<long>(mine.Span));
    }

    return 0;
}

long[] ordinary = [.. Enumerable.Range(1, 1000).Select(i => (long)i)];
List<Process> children = [];

try
{
    SharedArray<long> a = SharedArray.CreateAnonymous<long>(ordinary.Length);
    string itsPath = a.Name;
    try
    {
        a.CopyFrom(ordinary);
        Check("it has no name in the list", !SharedArray.List().Any(array => array.Name == itsPath));

        // By its path, /proc/PID/fd/N, which works as long as this process has it.
        Process told = Start(Environment.ProcessPath!, "child", itsPath);
        Check("a child attached it by its path", await NextLine(told) == "attached");

        // By inheritance: children get a descriptor of their own.
        string inherited = a.MakeInheritable();
        Process heir = Start(Environment.ProcessPath!, "child", inherited);
        Process python = Start(
            Environment.GetEnvironmentVariable("PYTHON") ?? "python3", "-c",
            "import sys, numpy as np; a = np.load(sys.argv[1], mmap_mode='r+'); a[0] += 41; print(a.sum())", inherited);
        Check("a child inherited it", await NextLine(heir) == "attached");
        Check("Python inherited it, added 41 to the first element, and summed it", await NextLine(python) == "500541");
        Check("we see that", a[0] == 42);

        a.Dispose();
        foreach (Process child in new[] { told, heir })
        {
            await child.StandardInput.WriteLineAsync("sum");
            await child.StandardInput.FlushAsync();
            Check("we have let go of it, and a child still sums it", await NextLine(child) == "500541");
        }
    }
    finally
    {
        a.Dispose();
    }

    foreach (Process child in children)
    {
        child.StandardInput.Close();
        await child.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Check("a child ended well", child.ExitCode == 0);
    }

    // No process maps the file or has it open, and it has no name: the kernel has freed it.
    Check("no mapping is left here", !File.ReadLines("/proc/self/maps").Any(IsOurs));
    Check("no descriptor is left here", !Directory.GetFiles("/proc/self/fd").Any(fd => IsOurs(new FileInfo(fd).LinkTarget)));
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
}

Process Start(string program, params string[] arguments)
{
    ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
    Process child = Process.Start(start)!;
    children.Add(child);
    return child;
}

static bool IsOurs(string? text) => text?.Contains("memfd:posixshm", StringComparison.Ordinal) == true;

static async Task<string?> NextLine(Process child) => await child.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
