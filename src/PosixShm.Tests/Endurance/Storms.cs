using System.Globalization;

namespace PosixShm.Tests;

/// <summary>The storms of the locks, frames and waits at full length. <c>./build.sh soak</c> runs them, and the tests a part.</summary>
internal static class Storms
{
    // Each kind has three storms, and so 10,000 kills.
    private const int Kills = 3_334;
    private const int Signals = 10_000_000;

    /// <summary>
    /// Runs all storms, prints what happened, and returns 1 if one had an error. Arguments: the part of the full numbers, as in 1 / 100;
    /// the seed.
    /// </summary>
    public static int Run(string[] args)
    {
        int part = int.Parse(args[0], CultureInfo.InvariantCulture);
        int seed = int.Parse(args[1], CultureInfo.InvariantCulture);
        int errors = Attempt("waits", name => Wait(name, Signals / part, seed));
        foreach (int processes in new[] { 2, 4, 8 })
        {
            errors += Attempt($"readers-writers-{processes}", name => ReadAndWrite(name, processes, Kills / part, seed));
        }

        foreach ((int bytes, long reads) in new[] { (64, 100_000_000L), (64 << 10, 1_000_000L), (1 << 20, 50_000L) })
        {
            errors += Attempt($"frames-{bytes}", name => FrameStorm.Storm(name, bytes, reads / part, Kills / part, seed));
        }

        return errors == 0 ? 0 : 1;
    }

    private static string Wait(string name, int signals, int seed)
    {
        // In a process of its own, whose waits are not checked by time.
        using ChildProcess waits = ChildProcess.Start(
            WaitStorm.LoseNoWakeUp, name, signals.ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture));
        Assert.That(waits.WaitForExit(), Is.Zero, waits.Output + waits.Errors);
        return waits.Output.Trim();
    }

    private static string ReadAndWrite(string name, int processes, int kills, int seed)
    {
        long[] counts = ReaderWriterStorm.Run(name, processes, seed + processes, kills);
        string text = ReaderWriterStorm.Describe(counts);
        Assert.That(ReaderWriterStorm.IsGood(counts) && counts[(int)ReaderWriterStorm.Count.Kills] == kills, Is.True, text);
        return text;
    }

    // Returns the number of errors.
    private static int Attempt(string storm, Func<string, string> run)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"posixshm-storm-{Environment.ProcessId}-{storm}");
        try
        {
            Console.WriteLine($"{storm}: {run(name)}");
            return 0;
        }
        catch (AssertionException error)
        {
            Console.WriteLine($"{storm}: VIOLATION: {error.Message}");
            return 1;
        }
        finally
        {
            foreach (SharedArrayInfo left in SharedArray.List().Where(info => info.Name.StartsWith(name, StringComparison.Ordinal)))
            {
                SharedArray.TryDelete(left.Name);
            }
        }
    }
}
