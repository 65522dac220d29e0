#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// Hands an array to a child process, which changes an element, and then computes with the whole array in place. Checks itself.
//
//     ./child-works-on-it.cs [COUNT]

using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using PosixShm;

if (args is ["child", string shared])
{
    using SharedArray<double> work = SharedArray.Attach(shared);
    work[0] = -work[0];
    return 0;
}

int count = args is [string text] ? int.Parse(text, CultureInfo.InvariantCulture) : 1_000_000;
string name = $"child-works-on-it-{Environment.ProcessId}";

try
{
    using SharedArray<double> a = SharedArray.Create(name, count);
    foreach (ref double element in a)
    {
        element = Random.Shared.NextDouble();
    }

    double first = a[0];
    RunChild(name);
    Check("the child negated element 0", a[0] == -first);

    // The shared memory itself: nothing is copied out or in.
    double sum = TensorPrimitives.Sum<double>(a.Span);
    TensorPrimitives.Multiply(a.Span, -1, a.Span);
    Check($"the sum of {count} elements was {sum:F3}, and changed its sign with them", TensorPrimitives.Sum<double>(a.Span) == -sum);
    Check("element 0 is what it was", a[0] == first);
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

// This script again, with an argument.
static void RunChild(string name)
{
    using Process child = Process.Start(Environment.ProcessPath!, ["child", name]);
    if (!child.WaitForExit(TimeSpan.FromSeconds(30)))
    {
        child.Kill();
    }

    child.WaitForExit();
    Check("the child ended well", child.ExitCode == 0);
}

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
