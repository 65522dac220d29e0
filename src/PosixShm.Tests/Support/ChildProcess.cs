using System.Diagnostics;
using System.Reflection;
using System.Text;

namespace PosixShm.Tests;

/// <summary>
/// Another process of a test: a static method of this assembly, or a program. Both sides speak in lines, so that no test sleeps;
/// every wait has a limit, and a process that is still there at the end is killed.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan s_timeLimit = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly string _what;
    private readonly StringBuilder _errors = new();
    private readonly StringBuilder _output = new();

    private ChildProcess(string what, ProcessStartInfo start)
    {
        _what = what;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;

        // A killed runtime would leave the pipes of its debugger in the temporary directory.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
            {
                _ = _errors.AppendLine(line.Data);
            }
        };
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>Gets whether the process has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Gets all lines that were read so far.</summary>
    public string Output => _output.ToString();

    /// <summary>Gets what the process wrote to standard error; complete once it has ended.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString().Trim();
            }
        }
    }

    /// <summary>Starts a static local function of a test in a process of its own.</summary>
    public static ChildProcess Start(Func<string[], int> method, params string[] args) => Start([], method, args);

    /// <summary>Starts a static local function with environment variables set.</summary>
    public static ChildProcess Start(IEnumerable<(string Name, string Value)> environment, Func<string[], int> method, params string[] args)
    {
        Assert.That(method.Method.IsStatic, Is.True, "the child runs without this test's state");
        return Start(environment, [.. CommandLine(method, args)]);
    }

    /// <summary>Starts a command: a program and its arguments.</summary>
    public static ChildProcess Start(IReadOnlyList<string> command) => Start([], command);

    /// <summary>Starts a command with environment variables set.</summary>
    public static ChildProcess Start(IEnumerable<(string Name, string Value)> environment, IReadOnlyList<string> command)
    {
        ProcessStartInfo start = new(command[0], command.Skip(1));
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return new ChildProcess(Path.GetFileName(command[0]), start);
    }

    /// <summary>Starts a program.</summary>
    public static ChildProcess Start(string program, params IEnumerable<string> args) => new(program, new ProcessStartInfo(program, args));

    /// <summary>Runs a static local function in a process of its own, to its good end.</summary>
    public static void Run(Func<string[], int> method, params string[] args)
    {
        using ChildProcess child = Start(method, args);
        child.WaitForSuccess();
    }

    /// <summary>Runs a command to its good end, and returns what it printed.</summary>
    public static string Run(IReadOnlyList<string> command)
    {
        using ChildProcess child = Start(command);
        child.WaitForSuccess();
        return child.Output;
    }

    /// <summary>Runs a program to its good end, and returns what it printed.</summary>
    public static string Run(string program, params IEnumerable<string> args)
    {
        using ChildProcess child = Start(program, args);
        child.WaitForSuccess();
        return child.Output;
    }

    /// <summary>Runs a static local function that may not write files of more than 1 MiB, and returns its output.</summary>
    // The runtime by default keeps its code in a file that would be larger than the limit.
    public static string RunWithFileSizeLimit(Func<string[], int> method, params string[] args)
    {
        const string Limit = "export DOTNET_EnableWriteXorExecute=0; ulimit -f 1024; exec \"$@\"";
        return Run(["bash", "-c", Limit, "bash", .. CommandLine(method, args)]);
    }

    /// <summary>Returns the command line that runs a static local function, for programs that start others.</summary>
    public static IEnumerable<string> CommandLine(Func<string[], int> method, params string[] args)
        => [.. Host, method.Method.DeclaringType!.FullName!, method.Method.Name, .. args];

    // dotnet has the path of this assembly as an argument. The program of a self-contained build knows its assembly.
    private static IEnumerable<string> Host
    {
        get
        {
            Assembly tests = typeof(ChildProcess).Assembly;
            string program = Environment.ProcessPath!;
            return Path.GetFileName(program) == tests.GetName().Name ? [program] : [program, "exec", tests.Location];
        }
    }

    /// <summary>Waits for a line of exactly this text.</summary>
    public void Expect(string line) => Assert.That(ReadLine(), Is.EqualTo(line), () => $"{_what}: {Errors}");

    /// <summary>Waits for the next line; null at the end.</summary>
    public string? ReadLine()
    {
        Task<string?> line = _process.StandardOutput.ReadLineAsync();
        if (!line.Wait(s_timeLimit))
        {
            Kill();
            Assert.Fail($"{_what} printed no line within {s_timeLimit}. {Errors}");
        }

        if (line.Result is not null)
        {
            _ = _output.AppendLine(line.Result);
        }

        return line.Result;
    }

    /// <summary>Sends a line.</summary>
    public void Send(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Kills the process by SIGKILL, and waits until it has exited.</summary>
    public void Kill()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    /// <summary>Waits for the end, and returns the exit code; 128 + n after signal n.</summary>
    public int WaitForExit()
    {
        _process.StandardInput.Close();
        Task<string> rest = _process.StandardOutput.ReadToEndAsync();
        if (!_process.WaitForExit(s_timeLimit))
        {
            Kill();
            Assert.Fail($"{_what} ran past {s_timeLimit}. {Errors}");
        }

        _process.WaitForExit();
        _ = _output.Append(rest.Result);
        return _process.ExitCode;
    }

    /// <summary>Waits for the end, which must be a good one.</summary>
    public void WaitForSuccess()
    {
        int exitCode = WaitForExit();
        Assert.That(exitCode, Is.Zero, () => $"{_what} ended with {exitCode}. {Errors} {Output}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
