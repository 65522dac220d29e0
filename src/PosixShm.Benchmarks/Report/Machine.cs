using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Report;

/// <summary>The description of the machine.</summary>
internal static class Machine
{
    public static string Describe(Tools tools, bool isShort) => string.Create(CultureInfo.InvariantCulture, $"""
        Measured on {DateTime.UtcNow:yyyy-MM-dd}, {(isShort ? "short" : "full")} run: {Field("/proc/cpuinfo", "model name")},
        {Environment.ProcessorCount} processors, {Memory()} GiB of memory, Linux {Environment.OSVersion.Version},
        {RuntimeInformation.FrameworkDescription}, Python with {Numpy(tools)}; load at the start {Load()}.
        """);

    private static string Field(string file, string name)
        => File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? "an unknown processor";

    private static string Memory()
        => Table.Digits(long.Parse(Field("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture) / (double)(1 << 20));

    private static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    private static string Numpy(Tools tools)
    {
        const string Script = "import numpy, platform; print('numpy', numpy.__version__, 'on', platform.python_version(), end='')";
        ProcessStartInfo start = new(tools.Python, ["-c", Script]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        return process.StandardOutput.ReadToEnd();
    }
}
