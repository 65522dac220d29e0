using System.Globalization;

namespace PosixShm.Tests;

/// <summary>The mappings, descriptors and memory of this process, by the kernel's tables.</summary>
internal static class OwnProcess
{
    /// <summary>Returns the lines of /proc/self/maps that contain a text: a part of a path, or an inode between spaces.</summary>
    public static IEnumerable<string> Mappings(string text)
        => File.ReadLines("/proc/self/maps").Where(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Counts the mappings whose line contains a text.</summary>
    public static int CountMappings(string text) => Mappings(text).Count();

    /// <summary>Counts the descriptors of files whose path begins with a text.</summary>
    // The runtime opens other files at any time. The library's files are in /dev/shm, also if they have no name there yet.
    public static int CountDescriptors(string path = "/dev/shm")
        => Directory.GetFiles("/proc/self/fd")
            .Count(link => new FileInfo(link).LinkTarget?.StartsWith(path, StringComparison.Ordinal) == true);

    /// <summary>Returns a file of each thread, for example <c>comm</c>, but of threads that end meanwhile.</summary>
    public static IEnumerable<(int Id, string Text)> OfThreads(string file)
    {
        foreach (string task in Directory.GetDirectories("/proc/self/task"))
        {
            string text;
            try
            {
                text = File.ReadAllText(Path.Combine(task, file));
            }
            catch (IOException)
            {
                continue;
            }

            yield return (int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture), text);
        }
    }

    /// <summary>Returns a field of /proc/self/status in kB, for example <c>VmSize</c>.</summary>
    public static long Kilobytes(string field)
    {
        string line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith(field + ':', StringComparison.Ordinal));
        return long.Parse(line[(field.Length + 1)..^"kB".Length], CultureInfo.InvariantCulture);
    }
}
