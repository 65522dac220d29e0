using System.Diagnostics;
using System.Globalization;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>A process that does what a line asks for, and answers with the nanoseconds that it took: the C twin, Python, or this program.</summary>
internal sealed class Worker : IDisposable
{
    private readonly Process _process;

    private Worker(string program, params IEnumerable<string> arguments)
    {
        _process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"'{program}' does not start.");
        _process.StandardInput.AutoFlush = true;
    }

    public static Worker Twin(Tools tools) => new(tools.Twin);

    public static Worker Python(Tools tools) => new(tools.Python, tools.Peers);

    /// <summary>Starts this program again.</summary>
    public static Worker Self() => new(Environment.ProcessPath!, LockWorker.Argument);

    /// <summary>Makes a contender of one operation.</summary>
    public Contender Contender(string name, string operation, string path, long number = 0)
        => new(name, count => Run(operation, count, path, number));

    /// <summary>Does an operation so many times; returns the nanoseconds that it took.</summary>
    public double Run(string operation, long count, string path, long number = 0)
    {
        Ask(operation, count, path, number);
        return Answer();
    }

    public void Ask(string operation, long count, string path, long number)
        => _process.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{operation} {count} {path} {number}"));

    public double Answer()
        => long.Parse(
            _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("A worker ended early."), CultureInfo.InvariantCulture);

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
