namespace PosixShm.Tests;

/// <summary>An operation of the library whose system calls are made to fail.</summary>
/// <param name="Methods">The public methods that it calls, whose documentation names its exceptions.</param>
/// <param name="Prepare">What there is before it.</param>
/// <param name="Run">The operation on a name.</param>
/// <param name="HasFailed">What must hold after an exception.</param>
/// <param name="HasSucceeded">What must hold without one.</param>
/// <param name="CallsElsewhere">Its system calls inside <c>sem_open(3)</c> or the runtime's file classes, which the shim cannot make
/// fail.</param>
internal sealed record FaultyOperation(
    string[] Methods,
    Action<string> Prepare,
    Action<string> Run,
    Func<string, bool> HasFailed,
    Func<string, bool> HasSucceeded,
    int CallsElsewhere = 0)
{
    private readonly Type[] _documented = [.. Methods.SelectMany(DocumentedExceptions.Of)];

    /// <summary>Runs it without a fault; returns the number of its system calls.</summary>
    public long RunWithout(string name)
    {
        Clean(name);
        Prepare(name);
        long calls = Count(name);
        Assert.That(HasSucceeded(name), Is.True, "without a fault");
        return calls;
    }

    /// <summary>
    /// Prepares it, and runs it between two lines on standard output, for a tracer; the second has the number of its system calls.
    /// </summary>
    public void RunTraced(string name)
    {
        Clean(name);
        Prepare(name);
        Console.WriteLine("begin");
        long calls = Count(name);
        Console.WriteLine($"end {calls}");
    }

    /// <summary>
    /// Runs it with one fault, and notes what is wrong then. A name may stay only if an unlink failed. Returns the number of its system
    /// calls.
    /// </summary>
    public long RunWith(long n, int error, bool lasts, string name, List<string> problems)
    {
        Clean(name);
        Prepare(name);
        Holdings before = Holdings.OfThisProcess(name);
        Exception? thrown = null;
        FaultyShim.Arm(n, error, lasts);
        try
        {
            Run(name);
        }
#pragma warning disable CA1031 // Which exceptions it may throw is what is tested.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            thrown = exception;
        }

        long calls = FaultyShim.Disarm();
        Note(thrown is null || _documented.Any(type => type.IsInstanceOfType(thrown)), $"an exception that is not documented: {thrown}");
        bool canClean = !FaultyShim.HasFailed("unlink");
        Note(thrown is null ? HasSucceeded(name) : HasFailed(name) || !canClean, $"a wrong state after {thrown?.ToString() ?? "success"}");
        Holdings after = Holdings.OfThisProcess(name);
        Note(after.Descriptors == before.Descriptors, $"{after.Descriptors - before.Descriptors} more descriptors after {thrown}");
        Note(after.Mappings == before.Mappings, $"{after.Mappings - before.Mappings} more mappings after {thrown}");

        Note(after.OwnFiles == 0 || !canClean, $"{after.OwnFiles} files of a path of their own after {thrown}");
        return calls;

        void Note(bool holds, string problem)
        {
            if (!holds)
            {
                problems.Add($"call {n}, errno {error}{(lasts ? " from then on" : "")}: {problem}");
            }
        }
    }

    private long Count(string name)
    {
        FaultyShim.Arm(0, 0, lasts: false);
        Run(name);
        return FaultyShim.Disarm();
    }

    private static void Clean(string name) => Array.ForEach(Directory.GetFiles("/dev/shm", $"*{name}*"), File.Delete);

    /// <summary>What a process holds, as the kernel counts it.</summary>
    private sealed record Holdings(int Descriptors, int Mappings, int OwnFiles)
    {
        // The runtime has others of its own.
        private static readonly string[] s_ours = ["/dev/shm", "memfd:posixshm", "inotify"];

        public static Holdings OfThisProcess(string name) => new(
            Directory.GetFiles("/proc/self/fd").Count(static descriptor => IsOurs(new FileInfo(descriptor).LinkTarget)),
            File.ReadLines("/proc/self/maps").Count(IsOurs),
            Directory.GetFiles("/dev/shm", $"*{name}*.posixshm-*").Length);

        private static bool IsOurs(string? text) => text is not null && s_ours.Any(text.Contains);
    }
}
