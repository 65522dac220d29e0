using System.Globalization;

namespace PosixShm.Segments;

/// <summary>The memory that is available to this process: less than the machine's if a control group limits it.</summary>
internal static class AvailableMemory
{
    /// <summary>Gets the smaller of the amounts that <c>proc(5)</c> and the control groups report; null if there is no report.</summary>
    /// <param name="root">The directory that has <c>/proc</c> and the mounts: the machine's own unless given.</param>
    public static long? Read(string root = "")
        => ControlGroupMemory.Least(OfMachine($"{root}/proc/meminfo"), ControlGroupMemory.Read(root));

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
}
