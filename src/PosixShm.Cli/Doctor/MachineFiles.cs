using System.Globalization;

namespace PosixShm.Cli.Doctor;

/// <summary>Reads files of the kernel and of the system. Each file may be missing.</summary>
internal static class MachineFiles
{
    public static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Returns the number in a file, or null.</summary>
    public static long? Number(string path)
        => Lines(path) is [string text, ..]
            && long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    /// <summary>Returns the fields of the topmost mount of a directory in <c>/proc/PID/mountinfo</c>, or null; see
    /// <c>proc_pid_mountinfo(5)</c>.</summary>
    public static string[]? Mount(string process, string directory)
    {
        string[][] mounts =
        [
            .. Lines($"/proc/{process}/mountinfo").Select(static line => line.Split(' ')).Where(static fields => fields.Length > 5),
        ];
        string[]? found = null;
        for (string? above = directory; found is null && above is not null; above = Path.GetDirectoryName(above))
        {
            found = mounts.LastOrDefault(fields => fields[4] == above);
        }

        return found;
    }

    /// <summary>Returns a number of bytes in the unit that suits it.</summary>
    public static string Bytes(double bytes)
    {
        string[] units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        for (; bytes >= 1024 && unit < units.Length - 1; unit++)
        {
            bytes /= 1024;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes:0.#} {units[unit]}");
    }
}
