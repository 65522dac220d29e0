#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// A camera of 480 x 640 pixels in color, 60 times a second, and two consumers: C# takes every frame that it can, and Python the newest one.
// Each counts the frames that it dropped. Checks itself.
//
//     ./frames.cs

using System.Diagnostics;
using System.Runtime.CompilerServices;
using PosixShm;

const int Rows = 480;
const int Row = 640 * 3;
const int Frames = 150;

if (args is ["consumer", string shared])
{
    using SharedFrames<byte> stream = SharedFrames.AttachReadOnly<byte>(shared);
    FrameReader<byte> reader = stream.OpenReader();
    byte[] picture = new byte[stream.FrameLength];
    Console.WriteLine("READY");
    long received = 0;
    while (reader.ReadNext(picture, TimeSpan.FromSeconds(30), out FrameInfo info) == FrameStatus.Frame)
    {
        if (!IsPicture(picture, info.Number))
        {
            Console.WriteLine($"frame {info.Number} is torn");
            return 1;
        }

        if (++received == 30)
        {
            Thread.Sleep(500); // Slow work: the camera goes on, and overwrites frames that were not read.
        }
    }

    // The producer has deleted the stream.
    Console.WriteLine($"received {received} dropped {reader.TotalMissed} newest {reader.LastNumber}");
    return 0;
}

string name = $"frames-{Environment.ProcessId}";
List<Process> consumers = [];
try
{
    using SharedFrames<byte> camera = SharedFrames.Create<byte>(name, slots: 8, Rows, 640, 3);
    using FrameWriter<byte> writer = camera.OpenWriter();
    consumers.Add(Start(Environment.ProcessPath!, "consumer", name));
    string python = Environment.GetEnvironmentVariable("PYTHON") ?? "python3";
    consumers.Add(Start(python, Path.Combine(Here(), "newest.py"), $"/dev/shm/{name}", $"{Frames}"));
    foreach (Process consumer in consumers)
    {
        Check("a consumer is ready", await Line(consumer) == "READY");
    }

    Stopwatch time = Stopwatch.StartNew();
    using (PeriodicTimer clock = new(TimeSpan.FromSeconds(1.0 / 60)))
    {
        for (int i = 0; i < Frames; i++)
        {
            _ = await clock.WaitForNextTickAsync();
            TakePicture(writer);
        }
    }

    Console.WriteLine($"   {Frames} frames in {time.Elapsed.TotalSeconds:F1} s");
    string? inPython = await Line(consumers[1]);
    SharedArray.Delete(name);
    string? inCSharp = await Line(consumers[0]);
    Report("C#", inCSharp, everyFrame: true);
    Report("Python", inPython, everyFrame: false);
    foreach (Process consumer in consumers)
    {
        await consumer.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Check("a consumer ended well", consumer.ExitCode == 0);
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
    consumers.ForEach(static consumer => consumer.Kill()); // Does nothing to a process that has ended.
    _ = SharedArray.TryDelete(name);
}

// The rows have the number of the frame, and so a consumer sees whether its copy is one frame.
static void TakePicture(FrameWriter<byte> writer)
{
    using FrameSlot<byte> slot = writer.Reserve();
    Span<byte> picture = slot.Span;
    for (int row = 0; row < Rows; row++)
    {
        picture.Slice(row * Row, Row).Fill(unchecked((byte)(slot.Number + row)));
    }

    slot.Commit();
}

static bool IsPicture(ReadOnlySpan<byte> picture, long number)
{
    for (int row = 0; row < Rows; row++)
    {
        if (picture.Slice(row * Row, Row).ContainsAnyExcept(unchecked((byte)(number + row))))
        {
            return false;
        }
    }

    return true;
}

static void Report(string consumer, string? line, bool everyFrame)
{
    Console.WriteLine($"   {consumer}: {line}");
    string[] words = (line ?? "").Split(' ');
    Check($"{consumer} has the last frame", words is ["received", _, "dropped", _, "newest", _] && int.Parse(words[5]) == Frames);
    int received = int.Parse(words[1]);
    int dropped = int.Parse(words[3]);
    Check("received + dropped = all", received > 0 && received + dropped == Frames);
    Check("frames were dropped during the slow work", !everyFrame || dropped > 0);
}

static Process Start(string program, params string[] arguments)
    => Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;

static async Task<string?> Line(Process process)
    => await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));

static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
