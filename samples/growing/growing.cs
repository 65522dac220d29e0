#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// A table that grows: each size is a new array under the old name. A reader in another process notices it, and attaches anew.
// Checks itself.
//
//     ./growing.cs

using System.Diagnostics;
using System.Numerics.Tensors;
using PosixShm;

if (args is ["reader", string shared])
{
    SharedArray<long> table = SharedArray.Attach<long>(shared);
    try
    {
        // For each line that it is sent: whether the table is another one than before, its length and its sum.
        while (Console.ReadLine() is not null)
        {
            bool isCurrent = table.IsCurrent;
            if (!isCurrent)
            {
                table.Dispose();
                table = SharedArray.Attach<long>(shared);
            }

            Console.WriteLine($"{(isCurrent ? "same" : "new")} {table.Length} {TensorPrimitives.Sum<long>(table.Span)}");
        }
    }
    finally
    {
        table.Dispose();
    }

    return 0;
}

string name = $"growing-{Environment.ProcessId}";
Process? reader = null;

try
{
    using SharedArray<long> small = SharedArray.Create(name, ArrayContent.From<long>([1, 2, 3]));
    reader = Process.Start(
        new ProcessStartInfo(Environment.ProcessPath!, ["reader", name]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    Check("the reader has the first generation", await Look() == "same 3 6");

    using SharedArray<long> larger = SharedArray.Resize<long>(name, 5);
    Check("resized: the elements are carried over", await Look() == "new 5 6");
    larger[4] = 10;
    Check("the reader has the second generation", await Look() == "same 5 16");

    Check("the first one is not current", !small.IsCurrent && larger.IsCurrent);
    small[0] = 1000;
    Check("its memory is still there for those who have it attached, and for them alone", await Look() == "same 5 16" && small[0] == 1000);

    using SharedArray<long> empty = SharedArray.Replace<long>(name, 2, 2);
    Check("replaced: a new array of another shape, all zeros", await Look() == "new 4 0");

    reader.StandardInput.Close();
    await reader.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
    Check("the reader ended well", reader.ExitCode == 0);
    return 0;
}
catch (Exception error)
{
    Console.Error.WriteLine($"FAILED: {error.Message}");
    return 1;
}
finally
{
    reader?.Kill(); // does nothing to one that has ended
    _ = SharedArray.TryDelete(name);
}

async Task<string?> Look()
{
    await reader!.StandardInput.WriteLineAsync("look");
    await reader.StandardInput.FlushAsync();
    return await reader.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
}

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
