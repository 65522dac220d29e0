using System.Globalization;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>Finds the process that holds a slot, by the locks in <c>/proc/PID/fdinfo</c>: no call reports its process id.</summary>
internal static class LockOwnerSearch
{
    public static int? FindProcess(Segment segment, int slot)
    {
        // As in "lock: 1: OFDLCK ADVISORY WRITE -1 00:1a:4711 4611686018427387905 4611686018427387905".
        string file = $" WRITE -1 {segment.FindLockedFile()} {SegmentFile.InUseByte + slot} ";
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                && Holds(process, file))
            {
                return id;
            }
        }

        return null;
    }

    private static bool Holds(string process, string file)
    {
        try
        {
            return Directory.EnumerateFiles(process + "/fdinfo")
                .Any(info => File.ReadAllText(info).Contains(file, StringComparison.Ordinal));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The process has exited meanwhile, or is another user's.
            return false;
        }
    }
}
