using System.Globalization;

namespace PosixShm.Segments;

/// <summary>The memory that the control groups of this process leave to it; see <c>cgroups(7)</c>. Each group on the way to the top may
/// have a limit, and the hierarchies of version 1 and 2 may both be mounted. Pages of files that the kernel can drop at any time count as
/// free: the kernel drops them before it enforces a limit.</summary>
internal static class ControlGroupMemory
{
    private static readonly Files s_version1
        = new("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "total_active_file");
    private static readonly Files s_version2 = new("memory.max", "memory.current", "inactive_file", "active_file");

    /// <summary>Gets the bytes; null if there is no limit, or if it cannot be read.</summary>
    /// <param name="root">The directory that has <c>/proc</c> and the mounts.</param>
    public static long? Read(string root) => Find(root).Min(group => Left($"{root}{group.Directory}", group.Files));

    // The directories of this process's groups in each memory hierarchy, up to its mount point.
    private static IEnumerable<(string Directory, Files Files)> Find(string root)
    {
        // As in "4:memory:/a" and "0::/a".
        IEnumerable<string[]> lines = ProcFile.Lines($"{root}/proc/self/cgroup").Select(static line => line.Split(':', 3));
        string[][] groups = [.. lines.Where(static fields => fields.Length == 3)];

        // As in "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory".
        foreach (string line in ProcFile.Lines($"{root}/proc/self/mountinfo"))
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            if (dash < 5 || fields.Length < dash + 4)
            {
                continue;
            }

            bool isVersion2 = fields[dash + 1] == "cgroup2";
            bool isMemory = isVersion2 || (fields[dash + 1] == "cgroup" && fields[dash + 3].Split(',').Contains("memory"));
            string? group = Array.Find(groups, fields => isVersion2 ? fields[0] == "0" : fields[1].Split(',').Contains("memory"))?[2];
            if (isMemory && group is not null)
            {
                string mount = fields[4].Replace("\\040", " ", StringComparison.Ordinal);
                string directory = mount + Below(fields[3], group);
                for (; directory.Length >= mount.Length; directory = directory[..directory.LastIndexOf('/')])
                {
                    yield return (directory, isVersion2 ? s_version2 : s_version1);
                }
            }
        }
    }

    // In a container, its own group may be the top of the mount, under a path that exists only on the host.
    private static string Below(string top, string group)
    {
        string prefix = top.TrimEnd('/');
        bool isBelow = group.StartsWith(prefix + "/", StringComparison.Ordinal) && !group.Contains("/..", StringComparison.Ordinal);
        return isBelow ? group[prefix.Length..].TrimEnd('/') : string.Empty;
    }

    // The absence of a limit is "max" in version 2, and nearly 2^63 in version 1.
    private static long? Left(string directory, Files files)
        => Number($"{directory}/{files.Limit}") is long limit and < (1L << 60) && Number($"{directory}/{files.Usage}") is long usage
            ? Math.Max(limit - usage + Droppable($"{directory}/memory.stat", files), 0)
            : null;

    private static long Droppable(string statistics, Files files)
        => ProcFile.Lines(statistics)
            .Select(static line => line.Split(' '))
            .Where(fields => fields.Length == 2 && (fields[0] == files.Inactive || fields[0] == files.Active))
            .Sum(static fields => long.Parse(fields[1], CultureInfo.InvariantCulture));

    private static long? Number(string path)
        => ProcFile.Lines(path) is [string text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : null;

    private sealed record Files(string Limit, string Usage, string Inactive, string Active);
}
