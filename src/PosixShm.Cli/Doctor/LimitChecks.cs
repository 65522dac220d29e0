using System.Globalization;
using PosixShm.Segments;

namespace PosixShm.Cli.Doctor;

/// <summary>Checks the limits of this process and of its control groups.</summary>
internal static class LimitChecks
{
    private const long FewDescriptors = 1024;
    private const long FewMappings = 65_530;
    private const long LittleMemory = 64 << 20;

    public static IEnumerable<Finding> All() => [Memory(), LockedMemory(), Descriptors(), Mappings()];

    private static Finding Memory()
    {
        long? left = ControlGroupMemory.Read(string.Empty);
        return left is long bytes
            ? Finding.Of(
                "memory limit", bytes < LittleMemory, $"a control group leaves {MachineFiles.Bytes(bytes)}",
                "Arrays in memory count. The kernel kills a process that exceeds the limit.",
                "raise the container's memory limit, or delete leftovers")
            : Finding.None("memory limit", "no control group limits it", "Arrays can use all of the machine's memory.");
    }

    private static Finding LockedMemory()
    {
        string limit = Limit("Max locked memory");
        return new Finding(
            "locked memory", Status.Ok,
            long.TryParse(limit, CultureInfo.InvariantCulture, out long bytes) ? MachineFiles.Bytes(bytes) : limit,
            "LockInMemory can lock this much in one process. ulimit -l, LimitMEMLOCK= (systemd) or --ulimit memlock= (Docker) changes it.",
            string.Empty);
    }

    private static Finding Descriptors()
    {
        string limit = Limit("Max open files");
        return Finding.Of(
            "descriptors", long.TryParse(limit, CultureInfo.InvariantCulture, out long count) && count < FewDescriptors, limit,
            "A process can attach about this many arrays: each needs a descriptor.", "raise it: ulimit -n 65536");
    }

    private static Finding Mappings()
    {
        long? limit = MachineFiles.Number("/proc/sys/vm/max_map_count");
        return Finding.Of(
            "mappings", limit < FewMappings, limit?.ToString("N0", CultureInfo.InvariantCulture) ?? "unknown",
            "A process can attach about this many arrays: each needs a mapping.", "raise it: sysctl vm.max_map_count=262144");
    }

    // The soft limit, as in "Max open files            1024                 1048576              files"; proc_pid_limits(5).
    private static string Limit(string name)
        => MachineFiles.Lines("/proc/self/limits").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is string line
            ? line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]
            : "unknown";
}
