namespace PosixShm.Benchmarks.Measuring;

/// <summary>What BenchmarkDotNet measured of one operation.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Parameters">Of which size, if it has one.</param>
/// <param name="Nanoseconds">The median.</param>
/// <param name="Error">The standard error of the mean, in nanoseconds.</param>
/// <param name="AllocatedBytes">Taken from the garbage-collected heap.</param>
internal sealed record MicroResult(string Operation, string Parameters, double Nanoseconds, double Error, long AllocatedBytes);
