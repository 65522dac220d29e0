#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// One memory, many views: what is written through any of them is read through all others. Checks itself.
//
//     ./two-views.cs

using System.Runtime.InteropServices;
using PosixShm;

string name = $"two-views-{Environment.ProcessId}";

try
{
    // The element in row 1, column 2 of 3 x 4: place 6 in C order.
    using SharedArray<float> a = SharedArray.Create<float>(name, 3, 4);
    using SharedArray<float> second = SharedArray.Attach<float>(name);

    (string View, Func<float> Read, Action<float> Write)[] views =
    [
        ("a[1, 2]", () => a[1, 2], value => a[1, 2] = value),
        ("a[6]", () => a[6], value => a[6] = value),
        ("a span", () => a.Span[6], value => a.Span[6] = value),
        ("a row", () => a.Row(1)[2], value => a.Row(1)[2] = value),
        ("memory", () => a.Memory.Span[6], value => a.Memory.Span[6] = value),
        ("a tensor", () => a.AsTensorSpan()[1, 2], value => a.AsTensorSpan()[1, 2] = value),
        ("a part of the tensor", () => a.AsTensorSpan(1..3, 2..4)[0, 0], value => a.AsTensorSpan(1..3, 2..4)[0, 0] = value),
        ("another shape", () => a.Reshape(2, 6)[1, 0], value => a.Reshape(2, 6)[1, 0] = value),
        ("the bytes", () => MemoryMarshal.Read<float>(a.Bytes[24..]),
            value => BitConverter.TryWriteBytes(MemoryMarshal.AsBytes(a.Span)[24..], value)),
        ("bits as integers", () => BitConverter.Int32BitsToSingle(a.View<int>()[1, 2]),
            value => a.View<int>()[1, 2] = BitConverter.SingleToInt32Bits(value)),
        ("a second attachment", () => second[1, 2], value => second[1, 2] = value),
    ];

    float next = 0;
    foreach ((string view, _, Action<float> write) in views)
    {
        next += 0.5f;
        write(next);
        string[] others = [.. views.Where(other => other.Read() != next).Select(other => other.View)];
        Check($"{next} written through {view} is read through all {views.Length}", others.Length == 0);
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

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
