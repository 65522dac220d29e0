using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Micro;

/// <summary>Operations inside one process, by BenchmarkDotNet.</summary>
internal static class MicroBenchmarks
{
    private static readonly Type[] s_all = [typeof(AccessBenchmarks), typeof(CopyBenchmarks), typeof(LockBenchmarks)];

    /// <summary>Runs all benchmarks, or those whose class name contains a text.</summary>
    public static IReadOnlyList<MicroResult> Run(string? only)
    {
        // The benchmarks run in this process, because arrays have unique names and the operations need no new process.
        IConfig config = ManualConfig.CreateEmpty()
            .AddJob(Job.Default
                .WithToolchain(InProcessNoEmitToolchain.Instance)
                .WithIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds(100))
                .WithWarmupCount(5)
                .WithIterationCount(15))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddLogger(NullLogger.Instance)
            .WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared))
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), $"posixshm-benchmarks-{Environment.ProcessId}"));
        return
        [
            .. s_all
                .Where(type => only is null || type.Name.Contains(only, StringComparison.OrdinalIgnoreCase))
                .SelectMany(type => Run(type, config)),
        ];
    }

    private static IEnumerable<MicroResult> Run(Type type, IConfig config)
    {
        Console.Error.WriteLine($"  {type.Name}");
        Summary summary = BenchmarkRunner.Run(type, config);
        return summary.Reports.Length > 0 && summary.Reports.All(static report => report.Success)
            ? summary.Reports.Select(Result)
            : throw new InvalidOperationException(
                $"{type.Name} did not run: {string.Join("; ", summary.ValidationErrors.Select(static error => error.Message))}");
    }

    private static MicroResult Result(BenchmarkReport report) => new(
        report.BenchmarkCase.Descriptor.WorkloadMethodDisplayInfo.Trim('\''),
        report.BenchmarkCase.Parameters.DisplayInfo.Trim('[', ']'),
        report.ResultStatistics!.Median,
        report.ResultStatistics.StandardError,
        report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0);
}
