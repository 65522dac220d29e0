using System.Diagnostics;

namespace PosixShm.Tests;

/// <summary>Runs Python with numpy, the independent reader and writer.</summary>
internal static class Python
{
    private static readonly Lazy<string> s_interpreter = new(Find);

    /// <summary>Gets an interpreter that has numpy.</summary>
    public static string Interpreter => s_interpreter.Value;

    /// <summary>Runs a script, to its good end, and returns what it printed, without the last newline.</summary>
    public static string Run(string script, params IEnumerable<string> args)
        => ChildProcess.Run(Interpreter, ["-c", "import sys, json, numpy as np\n" + script, .. args]).TrimEnd('\n');

    /// <summary>Starts a script that speaks in lines.</summary>
    public static ChildProcess Start(string script, params IEnumerable<string> args)
        => ChildProcess.Start(Interpreter, ["-u", "-c", "import sys, json, numpy as np\n" + script, .. args]);

    // The first python3 on PATH may be one without numpy (pyenv), and Debian's the one with it.
    private static string Find()
    {
        string?[] candidates = [Environment.GetEnvironmentVariable("PYTHON"), "python3", "/usr/bin/python3"];
        foreach (string candidate in candidates.OfType<string>())
        {
            // "import numpy" would also accept an empty directory of that name as a package.
            ProcessStartInfo start = new(candidate, ["-c", "from numpy import load"]) { RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            _ = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0)
            {
                return candidate;
            }
        }

        throw new AssertionException("The tests need Python with numpy: apt-get install python3-numpy");
    }
}
