using System.Diagnostics;
using System.Globalization;

namespace PosixShm.Benchmarks.Measuring;

/// <summary>A process that reads requests, and replies to each with a line of numbers: the C twin, Python, or this program.</summary>
internal sealed class Worker : IDisposable
{
    // Every operation takes far less time.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;

    private Worker(string program, IEnumerable<string> arguments)
    {
        _process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"'{program}' does not start.");
        _process.StandardInput.AutoFlush = true;
    }

    public static Worker Of(string program, params IEnumerable<string> arguments) => new(program, arguments);

    /// <summary>Starts this program again.</summary>
    public static Worker Self() => Of(Environment.ProcessPath!, Workers.Server.Argument);

    /// <summary>Creates a contender of one operation, whose reply is its time.</summary>
    public Contender Contender(string name, string operation, string path, long number = 0)
        => Measuring.Contender.Counted(name, count => Run(operation, count, path, number));

    /// <summary>Runs an operation a number of times, and returns the number in its reply, the nanoseconds.</summary>
    public double Run(string operation, long count, string path, long number = 0)
    {
        Ask(operation, count, path, number);
        return Answer()[0];
    }

    public void Ask(string operation, long count, string path, long number)
        => _process.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{operation} {count} {path} {number}"));

    public long[] Answer()
    {
        string line = _process.StandardOutput.ReadLineAsync().WaitAsync(s_patience).GetAwaiter().GetResult()
            ?? throw new InvalidOperationException($"'{_process.StartInfo.FileName}' ended early.");
        string[] numbers = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return [.. numbers.Select(static number => long.Parse(number, CultureInfo.InvariantCulture))];
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
