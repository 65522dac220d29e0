namespace PosixShm.Benchmarks.Measuring;

/// <summary>The measurements of one operation by BenchmarkDotNet.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Parameters">The size, if the operation has one.</param>
/// <param name="Nanoseconds">The median.</param>
/// <param name="Error">The standard error of the mean, in nanoseconds.</param>
/// <param name="AllocatedBytes">The bytes allocated on the garbage-collected heap.</param>
internal sealed record MicroResult(string Operation, string Parameters, double Nanoseconds, double Error, long AllocatedBytes);
