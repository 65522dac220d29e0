using PosixShm.Benchmarks;
using PosixShm.Benchmarks.Measuring;
using PosixShm.Benchmarks.Report;
using PosixShm.Benchmarks.Rows;

if (args is [LockWorker.Argument])
{
    LockWorker.Run();
    return 0;
}

if (!Options.TryParse(args, out Options options))
{
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

using Contest contest = new(options.Tools, options.IsShort);
Func<Contest, RowResult>[] measures =
[
    SegmentRows.CreateSparse, SegmentRows.CreateReserved, SegmentRows.Attach, SegmentRows.List,
    AccessRows.Read, AccessRows.Update, AccessRows.Copy, AccessRows.Total,
    LockRows.Alone, LockRows.Contended,
    CommandRows.Start,
];

List<RowResult> rows = [.. measures.Select(measure => measure(contest))];
Console.WriteLine(Table.Of(rows));
return rows.All(static row => row.IsMet) ? 0 : 1;
