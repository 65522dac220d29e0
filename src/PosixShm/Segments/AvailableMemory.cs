using System.Globalization;

namespace PosixShm.Segments;

/// <summary>How much memory this process may still take: less than that of the machine where a control group limits it, as in a container.</summary>
internal static class AvailableMemory
{
    /// <summary>Gets the bytes; null where nothing tells.</summary>
    public static long? Read() => Read("/proc/meminfo", "/sys/fs/cgroup");

    /// <summary>Gets the lesser of what <c>proc(5)</c> and <c>cgroups(7)</c>, version 2, tell.</summary>
    /// <param name="machine">The file of the machine's memory.</param>
    /// <param name="group">The folder of the control group.</param>
    public static long? Read(string machine, string group)
        => OfMachine(machine) is long ofMachine ? Math.Min(ofMachine, OfGroup(group) ?? long.MaxValue) : OfGroup(group);

    // MemAvailable and SwapFree, in kB.
    private static long? OfMachine(string path)
    {
        try
        {
            long total = 0;
            foreach (string line in File.ReadLines(path))
            {
                if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["MemAvailable:" or "SwapFree:", string amount, ..])
                {
                    total += long.Parse(amount, CultureInfo.InvariantCulture) << 10;
                }
            }

            return total > 0 ? total : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    // A limit of "max" is none.
    private static long? OfGroup(string folder)
    {
        try
        {
            return long.TryParse(File.ReadAllText(folder + "/memory.max"), CultureInfo.InvariantCulture, out long limit)
                && long.TryParse(File.ReadAllText(folder + "/memory.current"), CultureInfo.InvariantCulture, out long taken)
                ? Math.Max(limit - taken, 0)
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
