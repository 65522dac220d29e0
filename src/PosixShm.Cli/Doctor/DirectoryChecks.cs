using System.Globalization;
using PosixShm.Native;

namespace PosixShm.Cli.Doctor;

/// <summary>Checks the directory of the arrays: its size, its mount, and the processes that share it.</summary>
internal static class DirectoryChecks
{
    private const long DockerSize = 64 << 20;
    private const long FewFiles = 1000;

    private static string Directory => ArrayDirectory.Path;

    // The mount that contains the directory, which a user can remount.
    private static string MountPoint => MachineFiles.Mount("self", Directory)?[4] ?? Directory;

    public static IEnumerable<Finding> All()
        => !Directory.StartsWith('/') || !System.IO.Directory.Exists(Directory)
            ? [Missing()]
            : [Place(), Size(), Space(), Files(), Options(), Sharing(), HugePages()];

    private static Finding Missing() => Directory == ArrayDirectory.Default
        ? Finding.Of(
            "directory", true, $"there is no {Directory}", "Arrays by name and semaphores need it.",
            "mount a tmpfs there (container: --ipc=private), name another directory (POSIXSHM_DIR), or use arrays in files: file:///path")
        : Finding.Of(
            "directory", true, $"there is no directory '{Directory}'",
            "Arrays by name need the directory that POSIXSHM_DIR names, which must be an absolute path.",
            "mount a tmpfs there, or change or unset POSIXSHM_DIR");

    private static Finding Place() => Finding.Of(
        "directory", IsOpenToDeletion(), Directory,
        "It contains the arrays by name. Without the sticky bit, every user can delete and replace the arrays of others in a directory "
            + "that all users may write. Semaphores are in /dev/shm.",
        $"chmod +t {Directory}");

    private static bool IsOpenToDeletion()
    {
        UnixFileMode mode = OperatingSystem.IsLinux() ? File.GetUnixFileMode(Directory) : UnixFileMode.None;
        return mode.HasFlag(UnixFileMode.OtherWrite) && !mode.HasFlag(UnixFileMode.StickyBit);
    }

    private static Finding Size()
    {
        long size = new DriveInfo(Directory).TotalSize;
        return Finding.Of(
            "size", size <= DockerSize, MachineFiles.Bytes(size),
            $"All arrays of all programs in {Directory} share this size. 64 MiB is Docker's default.",
            $"container: --shm-size=2g, Kubernetes: an emptyDir of medium Memory; else: mount -o remount,size=2g {MountPoint}");
    }

    private static Finding Space()
    {
        DriveInfo drive = new(Directory);
        return Finding.Of(
            "free space", drive.AvailableFreeSpace < drive.TotalSize / 10,
            $"{MachineFiles.Bytes(drive.AvailableFreeSpace)} of {MachineFiles.Bytes(drive.TotalSize)}",
            "The creation of a larger array fails.", "delete leftovers: pshm prune --delete");
    }

    private static Finding Files()
    {
        long? free = FreeFiles();
        return Finding.Of(
            "free inodes", free < FewFiles, free?.ToString("N0", CultureInfo.InvariantCulture) ?? "unknown",
            "Each array and each semaphore needs one.", $"delete leftovers, or: mount -o remount,nr_inodes=100k {MountPoint}");
    }

    private static Finding Options()
    {
        string[]? mount = MachineFiles.Mount("self", Directory);
        int dash = mount is null ? -1 : Array.IndexOf(mount, "-");
        string type = mount is not null && dash >= 0 ? mount[dash + 1] : "no mount of its own";
        bool isReadOnly = mount?[5].Split(',').Contains("ro") ?? false;
        return Finding.Of(
            "mount", isReadOnly || type != "tmpfs", $"{type} {mount?[5]}".TrimEnd(),
            "On a tmpfs, arrays are in memory. On other file systems they are files on a disk, and slower.",
            isReadOnly ? $"mount -o remount,rw {MountPoint}" : $"mount -t tmpfs tmpfs {Directory}");
    }

    private static Finding Sharing()
    {
        const string Meaning = "Processes share arrays only if they use the same mount.";
        string? own = MachineFiles.Mount("self", Directory)?[2];
        string? first = MachineFiles.Mount("1", Directory)?[2];
        bool isContainer = File.Exists("/.dockerenv") || File.Exists("/run/.containerenv")
            || Environment.GetEnvironmentVariable("container") is not null;
        string owner = isContainer ? "this container's" : "the machine's";
        bool isPrivate = own is not null && first is not null && own != first;
        string value = isPrivate ? "private to this mount namespace: process 1 has another one" : owner;
        string hint = isContainer ? " Containers share it with --ipc=host, --ipc=container:NAME, or a volume." : string.Empty;
        return new Finding("sharing", Status.Ok, value, Meaning + hint, string.Empty);
    }

    private static Finding HugePages()
    {
        string[]? mount = MachineFiles.Mount("self", Directory);
        string option = mount?[^1].Split(',')
            .FirstOrDefault(static option => option.StartsWith("huge=", StringComparison.Ordinal)) ?? "huge=never";
        return new Finding(
            "huge pages", Status.Ok, option,
            "New arrays of 2 MiB or more get huge pages on every mount (Linux 6.1). "
                + (option == "huge=never"
                    ? "SharedArrayOptions.HugePages, for sparse arrays, has no effect here. "
                        + $"mount -o remount,huge=advise {MountPoint} would change that."
                    : "SharedArrayOptions.HugePages, for sparse arrays, has an effect here."),
            string.Empty);
    }

    private static long? FreeFiles()
        => Interop.GetFreeSpace(Directory, out _, out long files, out _) == 0 ? files : null;
}
