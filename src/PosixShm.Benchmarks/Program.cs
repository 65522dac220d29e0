using System.Reflection;
using PosixShm.Benchmarks;
using PosixShm.Benchmarks.Measuring;
using PosixShm.Benchmarks.Micro;
using PosixShm.Benchmarks.Report;
using PosixShm.Benchmarks.Rows;
using PosixShm.Benchmarks.Workers;

if (args is [Server.Argument])
{
    Server.Run();
    return 0;
}

if (!Options.TryParse(args, out Options options))
{
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

if (options.Docs is string docs && !File.Exists(Path.Combine(docs, "BENCHMARKS.md")))
{
    Console.Error.WriteLine($"{docs} has no BENCHMARKS.md.");
    return 2;
}

string machine = Machine.Describe(options.Tools, options.IsShort);
using Contest contest = new(options.Tools, options.IsShort);
List<RowResult> contended = Selected<RowResult>(ContendedRows.One, ContendedRows.Two, ContendedRows.Four, ContendedRows.Eight);
List<RowResult> readers = Selected<RowResult>(
    ReaderWriterRows.One, ReaderWriterRows.Two, ReaderWriterRows.Three, ReaderWriterRows.Four);
Summary summary = new(machine)
{
    Rows = Selected<RowResult>(
        SegmentRows.CreateSparse, SegmentRows.CreateReserved, SegmentRows.Attach, SegmentRows.AttachFortran, SegmentRows.List,
        LargeRows.Populate, LargeRows.Fill2, LargeRows.Fill8, LargeRows.Fill64, LargeRows.Fill512, LargeRows.FirstSum, LargeRows.From,
        FileRows.Save, FileRows.Load,
        AccessRows.Read, AccessRows.Update, AccessRows.Copy, AccessRows.Total,
        FrameRows.OneReader, FrameRows.ThreeReaders, FrameRows.Untouched,
        LockRows.Alone, LockRows.First, ReaderWriterRows.Read, ReaderWriterRows.Write,
        SnapshotRows.OfLine, SnapshotRows.OfPage, SnapshotRows.OfMebibyte,
        CommandRows.Start, CommandRows.Delete),
    Contended = [.. contended, .. readers],
    WakeUps = Selected<RowResult>(
        WakeRows.Lock, WakeRows.Changed, WakeRows.Spinning, WakeRows.Asynchronous, WakeRows.Thousand, FrameRows.Asleep, FrameRows.Spinning),
    Growths =
    [
        .. Selected<Growth>(
            GrowthRows.List, GrowthRows.CreateSparse, GrowthRows.CreateReserved, GrowthRows.Attach, GrowthRows.Attachments, GrowthRows.Sum),
        .. GrowthRows.Lock(contended),
    ],
    Spaces = SpaceRows.All(),
    Micro = options.IsShort ? [] : MicroBenchmarks.Run(options.Only),
    Allocations = AllocationRows.All(),
};

Console.WriteLine(summary);
if (options.Json is string json)
{
    summary.WriteJson(json);
}

if (options.Docs is string folder)
{
    summary.WriteDocs(folder);
}

return summary.IsMet ? 0 : 1;

List<T> Selected<T>(params Func<Contest, T>[] measures) =>
[
    .. measures
        .Where(measure => options.Only is null || IsNamed(measure.Method, options.Only))
        .Select(measure => measure(contest)),
];

static bool IsNamed(MethodInfo method, string text)
    => $"{method.DeclaringType!.Name}.{method.Name}".Contains(text, StringComparison.OrdinalIgnoreCase);
