using System.Globalization;

namespace PosixShm.Segments;

/// <summary>The memory that is available to this process: less than the machine's if a control group limits it.</summary>
internal static class AvailableMemory
{
    /// <summary>Gets the smaller of the amounts that <c>proc(5)</c> and the control groups report; null if there is no report.</summary>
    /// <param name="root">The directory that has <c>/proc</c> and the mounts: the machine's own unless given.</param>
    public static long? Read(string root = "")
        => new[] { OfMachine($"{root}/proc/meminfo"), ControlGroupMemory.Read(root) }.Min();

    // MemAvailable and SwapFree, in kB.
    private static long? OfMachine(string path)
    {
        long total = ProcFile.Lines(path)
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(static fields => fields is ["MemAvailable:" or "SwapFree:", _, ..])
            .Sum(static fields => long.TryParse(fields[1], CultureInfo.InvariantCulture, out long kilobytes) ? kilobytes << 10 : 0);
        return total > 0 ? total : null;
    }
}
